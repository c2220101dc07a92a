/** How the bench talks to a system that delivers webhooks. `npm run bench -- --dialect FILE` measures another system than Posthorn:
 *  FILE is a JavaScript module that exports `openDialect: OpenDialect`. `posthorn-dialect.ts` is the example. */
export interface Dialect {
  /** Makes a channel. Each event of a channel goes to all of its URLs (a tenant with one webhook for each URL, in most systems).
   *  Resolves with the channel's name when an event that is published now is delivered. */
  subscribe(urls: string[]): Promise<string>;
  /** Publishes one event. `payload` is the text of a JSON object, and the delivered body must contain that text, white space
   *  apart. Resolves when the system has accepted the event; rejects if it has not. */
  publish(channel: string, payload: string): Promise<void>;
  /** Publishes several events with one request. Without it the bench leaves batch publishing out. */
  publishBatch?(channel: string, payloads: string[]): Promise<void>;
  /** Deletes a channel with all that waits in it. Without it, old channels stay. */
  unsubscribe?(channel: string): Promise<void>;
  /** The process ids of the system's parts. Each part gets a column with its CPU per delivery; children of a process count
   *  with it. Without it the bench prints no CPU. Parts named `api`, `worker`, `postgres` and `redis` have columns already. */
  pids?(): Record<string, number[]>;
  /** A Postgres of the system. With it the bench prints B-tree inserts, bytes of WAL and statements per delivery. It needs a
   *  superuser, and `shared_preload_libraries = pg_stat_statements` for the statements. */
  databaseUrl?: string | null;
  /** A Redis of the system. With it the bench prints Redis commands per delivery. */
  redisUrl?: string | null;
  close(): Promise<void>;
}

export type OpenDialect = () => Promise<Dialect>;
