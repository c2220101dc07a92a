/** The interface of a system that delivers webhooks. `npm run bench -- --dialect FILE` measures a system other than Posthorn: FILE is a
 *  JavaScript module that exports `openDialect: OpenDialect`. See `posthorn-dialect.ts` for an example. */
export interface Dialect {
  /** Makes a channel: most systems need a tenant with one webhook per URL. Each event of a channel goes to all its URLs. Resolves
   *  with the channel's name once events published from then on are delivered. */
  subscribe(urls: string[]): Promise<string>;
  /** Publishes one event. `payload` is the text of a JSON object; the delivered body must contain that text except white space.
   *  Resolves when the system has accepted the event; rejects if it has not. */
  publish(channel: string, payload: string): Promise<void>;
  /** Publishes several events in one request. Without it the bench skips batch publishing. */
  publishBatch?(channel: string, payloads: string[]): Promise<void>;
  /** Deletes a channel with its waiting deliveries. Without it, old channels stay. */
  unsubscribe?(channel: string): Promise<void>;
  /** The process ids of the system's parts. Each part gets a column with its CPU per delivery, which includes child processes.
   *  Without it the bench prints no CPU. Parts named `api`, `worker`, `postgres` and `redis` already have columns. */
  pids?(): Record<string, number[]>;
  /** A Postgres of the system. With it the bench prints B-tree inserts, WAL bytes and statements per delivery. It needs a superuser,
   *  and `shared_preload_libraries = pg_stat_statements` for the statements. */
  databaseUrl?: string | null;
  /** A Redis of the system. With it the bench prints Redis commands per delivery. */
  redisUrl?: string | null;
  close(): Promise<void>;
}

export type OpenDialect = () => Promise<Dialect>;
