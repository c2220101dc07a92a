import { once } from 'node:events';
import {
  DEFAULT_SCHEMA,
  type JobsOptions,
  type KeepJobs,
  Queue,
  type PostgresConnectionOptions,
  type Processor,
  Worker,
  type WorkerOptions,
  createPostgresBackend,
  runMigrations,
  withBackend,
} from 'bullmq';
import pg from 'pg';
import type { CHECK_QUEUE, QueueName } from './catalog.js';
import { boundWaits } from './bound-waits.js';
import { connectRedis, type RedisServers } from './connect-redis.js';

/** Where the queue is: on Redis, or on Postgres (BullMQ's own backend). `shards`: the number of Redis hash slots over which the jobs of
 *  deliveries are spread. Default: 1. */
export type QueueConnection =
  | { backend: 'postgres'; url: string }
  | ({ backend: 'redis'; shards?: number } & RedisServers);

export interface NewJob {
  name: string;
  data: object;
  opts: JobsOptions;
}

export interface StoredJob {
  id: string;
  data: unknown;
}

/** The connections of one process to the queue, and the queues and workers that use them. */
export interface Backend {
  /** Each shard, from 0 on, has a BullMQ queue of each name. */
  shards: number;
  queue(name: QueueName | typeof CHECK_QUEUE, shard: number): Queue;
  worker(name: QueueName, shard: number, process: Processor, options: Omit<WorkerOptions, 'connection'>): Worker;
  /** Adds jobs in one round trip. The queue ignores a job whose id it knows. */
  add(queue: Queue, jobs: NewJob[]): Promise<void>;
  /** How many workers of a process fetch concurrently: one worker fetches one job after the other, each in a round trip. */
  workersPerQueue: number;
  /** Makes a rule that keeps the last `count` finished jobs of a kind. Call it per job; it returns what BullMQ must keep. */
  keepLast(count: number): () => KeepJobs | false;
  /** Removes completed and failed ones among these jobs, and on Redis those in no list. Jobs that wait, are delayed or run keep their
   *  place and get this data. Safe to repeat. */
  makeRoom(queue: Queue, jobs: StoredJob[]): Promise<void>;
  /** The jobs that workers have now. */
  readActive(queue: Queue): Promise<(StoredJob & { progress: unknown })[]>;
  /** Resolves when there is a connection. Throws when the current connection attempt fails. */
  connected(): Promise<void>;
  /** Returns true to one caller (on Postgres, to one per process) after the queue was flushed, restarted or replaced: jobs may
   *  be lost. */
  hasForgotten(): Promise<boolean>;
  /** Closes the connections. Close their queues and workers first. */
  close(): Promise<void>;
}

/** `producing`: a command without a response from Redis fails within 2 s, so that no request waits for the queue. Otherwise
 *  commands wait until Redis is back, as workers need. `onError` is called for each fault; without it, a broken connection
 *  would end the process. */
export interface BackendOptions {
  producing: boolean;
  onError: (error: Error) => void;
}

// Returns those of the jobs ARGV[2], ARGV[4] … that block a new job of their id, and gives the others the data ARGV[3], ARGV[5] ….
// Reads the lists, which may be long, once, and only for jobs that are neither finished nor delayed nor prioritized.
const FIND_FINISHED = `
local found, unlisted = {}, {}
for i = 2, #ARGV, 2 do
  local id = ARGV[i]
  if redis.call('EXISTS', ARGV[1] .. id) == 1 then redis.call('HSET', ARGV[1] .. id, 'data', ARGV[i + 1]) end
  if redis.call('ZSCORE', KEYS[1], id) or redis.call('ZSCORE', KEYS[2], id) then
    found[#found + 1] = id
  elseif not redis.call('ZSCORE', KEYS[3], id) and not redis.call('ZSCORE', KEYS[4], id) and redis.call('EXISTS', ARGV[1] .. id) == 1 then
    unlisted[id] = true
  end
end
for list = 5, 7 do
  if next(unlisted) then
    for _, id in ipairs(redis.call('LRANGE', KEYS[list], 0, -1)) do unlisted[id] = nil end
  end
end
for id in pairs(unlisted) do found[#found + 1] = id end
return found`;
const READ_ACTIVE = `
local jobs = {}
for i, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local job = redis.call('HMGET', ARGV[1] .. id, 'data', 'progress')
  jobs[i] = {id, job[1] or 'null', job[2] or 'null'}
end
return jobs`;
const STATES = ['completed', 'failed', 'delayed', 'prioritized', 'wait', 'paused', 'active'];

const TRIM_EVERY_MS = 1_000;
/** A lock is renewed between half of this age and all of it: before the second check for stalled jobs. */
const RENEW_MS = 2_000;

/** The first statement of a connection to Postgres. (Poolers refuse startup parameters.) BullMQ's statements name no schema, and
 *  expect READ COMMITTED whatever the database's default. Jobs need not be durable, since the ledger knows what a crash forgets
 *  (less than a second). So commits do not wait for the disk. (Waiting took p50 from 0.1 s to seconds at 200 events/s.) */
const SESSION = `SET default_transaction_isolation = 'read committed'; SET search_path = ${DEFAULT_SCHEMA}; SET synchronous_commit = off`;

// The pool awaits it, although its types do not say so.
const startSession: (client: pg.ClientBase) => unknown = (client) => client.query(SESSION);

/** The prefix of a shard's keys. In a Cluster, the text in braces selects the node, and commands with several keys need one node. The
 *  number is last in the braces, which puts four shards into four different quarters of the slots. */
const prefixOf = (shard: number): string => `{posthorn:${shard}}`;

// Stores which server has the shard: a run id is new at each start and on another server. A flush removes the key.
const IS_REMEMBERED = `
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
return redis.call('SET', KEYS[1], run_id, 'GET') == run_id`;

export function openBackend(connection: QueueConnection, options: BackendOptions): Backend {
  return connection.backend === 'redis' ? openRedis(connection, options) : openPostgres(connection.url, options);
}

function openRedis({ shards = 1, ...servers }: RedisServers & { shards?: number }, options: BackendOptions): Backend {
  const { onError } = options;
  const redis = connectRedis(servers, options);
  return {
    shards,
    workersPerQueue: 4,
    async add(queue, jobs) {
      const [first] = jobs;
      // A pipeline copies all scripts of BullMQ: 4 % of the API's CPU at light load.
      if (first && jobs.length === 1) await queue.add(first.name, first.data, first.opts);
      else await queue.addBulk(jobs);
    },
    keepLast: (count) => () => ({ count }),
    async makeRoom(queue, jobs) {
      const keys = STATES.map((state) => queue.toKey(state));
      const given = jobs.flatMap(({ id, data }) => [id, JSON.stringify(data)]);
      const finished = await redis.eval(FIND_FINISHED, keys.length, ...keys, queue.toKey(''), ...given);
      await Promise.all((finished as string[]).map((id) => queue.remove(id)));
    },
    async readActive(queue) {
      const jobs = await redis.eval(READ_ACTIVE, 1, queue.toKey('active'), queue.toKey(''));
      return (jobs as [string, string, string][]).map(([id, data, progress]) => ({
        id,
        data: JSON.parse(data),
        progress: JSON.parse(progress),
      }));
    },
    queue: (name, shard) =>
      new Queue(name, {
        connection: redis,
        prefix: prefixOf(shard),
        streams: { events: { maxLen: 1_000 } },
        skipVersionCheck: true,
      }).on('error', onError),
    // Unlike a queue, a worker checks the version: with a Redis that may be old it rounds delays up to whole seconds.
    worker(name, shard, process, workerOptions) {
      const worker = new Worker(name, process, { ...workerOptions, connection: redis, prefix: prefixOf(shard) });
      boundWaits(worker.backend);
      return worker.on('error', onError);
    },
    async connected() {
      if (redis.status !== 'ready') await once(redis, 'ready'); // throws at the next connection error
    },
    async hasForgotten() {
      const ask = (shard: number) => redis.eval(IS_REMEMBERED, 1, `${prefixOf(shard)}:remembered-by`);
      const remembered = await Promise.all(Array.from({ length: shards }, (_, shard) => ask(shard)));
      // A new shard has forgotten nothing.
      const known = Number((await redis.set(`${prefixOf(0)}:shards`, shards, 'GET')) ?? 0);
      return remembered.some((isRemembered, shard) => !isRemembered && (shard === 0 || shard < known));
    },
    async close() {
      redis.disconnect();
      await Promise.resolve();
    },
  };
}

/** Long because it lists the methods of a backend, each a few lines that use the same pool. */
// eslint-disable-next-line max-lines-per-function
function openPostgres(url: string, { producing, onError }: BackendOptions): Backend {
  // One pool for all queues of the process.
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'posthorn queue',
    onConnect: startSession,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    ...(producing ? { max: 4, query_timeout: 5_000 } : { max: 12 }),
  });
  pool.on('error', onError);
  // The pool only listens to idle connections. Without this listener, a new connection that ends before BullMQ has it would end the process.
  pool.on('connect', (client) => client.on('error', () => {}));
  tuneStatements(pool);
  let knownStart: string | undefined;
  const open: typeof createPostgresBackend = (...of) => {
    const backend = createPostgresBackend(...of);
    retryWaitUntilReady(backend.connection);
    addAsFlow(backend, of[0]);
    return backend;
  };
  const classes = withBackend(open);
  // pg's own types lack what BullMQ's pool type requires.
  const shared = pool as unknown as PostgresConnectionOptions;
  return {
    shards: 1,
    workersPerQueue: 1, // each job wakes all of them
    add: async (queue, jobs) => void (await queue.addBulk(jobs)),
    keepLast(count) {
      // To trim finished jobs, BullMQ reads them all: 12 of 14 ms per job in Postgres. So trim only once per second.
      let trimAt = 0;
      return () => {
        if (performance.now() < trimAt) return false; // all
        trimAt = performance.now() + TRIM_EVERY_MS;
        return { count };
      };
    },
    async makeRoom({ name }, jobs) {
      const ids = jobs.map(({ id }) => id);
      // BullMQ's own function, which also removes what belongs to a job.
      await pool.query(
        `SELECT remove(queue, id, false) FROM job WHERE queue = $1 AND id = ANY ($2::text[]) AND state IN ('completed', 'failed')`,
        [name, ids],
      );
      await pool.query(
        `UPDATE job j SET data = given.data FROM unnest($2::text[], $3::jsonb[]) AS given (id, data) WHERE j.queue = $1 AND j.id = given.id`,
        [name, ids, jobs.map(({ data }) => JSON.stringify(data))],
      );
    },
    async readActive({ name }) {
      const { rows } = await pool.query<StoredJob & { progress: unknown }>(
        `SELECT id, data, progress FROM job WHERE queue = $1 AND state = 'active'`,
        [name],
      );
      return rows;
    },
    queue: (name) => new classes.Queue(name, { connection: shared }).on('error', onError) as unknown as Queue,
    worker: (name, _shard, process, workerOptions) =>
      new classes.Worker(name, process, { ...workerOptions, lockRenewTime: RENEW_MS, connection: shared }).on(
        'error',
        onError,
      ) as unknown as Worker,
    connected: () => Promise.resolve(), // each statement connects
    async hasForgotten() {
      // A restarted Postgres may have crashed. Each process detects this itself; reporting it twice is harmless.
      const { rows } = await pool.query<{ startedAt: string }>(
        `SELECT pg_postmaster_start_time()::text AS "startedAt"`,
      );
      const before = knownStart;
      knownStart = rows[0]?.startedAt;
      return before !== undefined && before !== knownStart;
    },
    close: () => pool.end(),
  };
}

/** BullMQ 6.7 checks its tables before the first statement and caches the result, even an error. So a queue that once met a
 *  Postgres too busy to respond would never work again. */
function retryWaitUntilReady(connection: { waitUntilReady(): Promise<void> }): void {
  const isReady = connection.waitUntilReady.bind(connection);
  connection.waitUntilReady = () =>
    isReady().catch((error: unknown) => {
      Reflect.set(connection, 'readyPromise', undefined);
      throw error;
    });
}

/** Prepares each statement once per connection, which BullMQ does not do: saves about a tenth of Postgres' work. Uses the clock of
 *  Postgres where locks are renewed or checked. */
function tuneStatements(pool: pg.Pool): void {
  const tuned = new Map<string, { name: string; text: string }>();
  const query = pool.query.bind(pool) as (...given: unknown[]) => unknown;
  const tune = (text: string) => {
    const known = tuned.get(text);
    if (known) return known;
    const statement = { name: `posthorn_queue_${tuned.size}`, text: withPostgresClock(text) };
    tuned.set(text, statement);
    return statement;
  };
  Object.assign(pool, {
    query: (text: unknown, values?: unknown, ...rest: unknown[]) =>
      typeof text === 'string' && Array.isArray(values)
        ? query({ ...tune(text), values }, ...rest)
        : query(text, values, ...rest),
  });
}

/** BullMQ writes and reads the end of a lock with the clock of each process. So a process whose clock was a minute ahead took over
 *  the jobs of all others. (A lock is first written with the job by the worker's clock, and renewed before its second check:
 *  RENEW_MS.) */
function withPostgresClock(text: string): string {
  const now = /extend_lock|locked_until_ms|move_stalled_jobs/.test(text) && /(\$\d+) now_ms/.exec(text)?.[1];
  return now
    ? text.replaceAll(now, `(extract(epoch FROM clock_timestamp()) * 1000 + 0 * ${now}::bigint)::bigint`)
    : text;
}

/** BullMQ makes two temporary tables per batch of jobs: 17 ms for four jobs, and every other connection must plan its statements
 *  again. Its function for flows needs no tables: 1.4 ms. But that reports errors only in its result. */
function addAsFlow(backend: ReturnType<typeof createPostgresBackend>, queueName: string): void {
  backend.addJobs = async (entries) => {
    const results = await backend.addFlow(
      entries.map(({ job, jobId, parentKeyOpts = {} }) => ({
        queueName,
        prefix: '',
        jobData: job,
        jobId,
        parentKeyOpts,
      })),
    );
    return results.map(([error, id]) => {
      if (error) throw error;
      return String(id);
    });
  };
}

/** Makes or updates the queue's tables if the queue is in Postgres; does nothing on Redis. Safe to repeat, also concurrently. */
export async function migrateQueues(connection: QueueConnection): Promise<void> {
  if (connection.backend !== 'postgres') return;
  const client = new pg.Client({ connectionString: connection.url });
  await client.connect();
  try {
    await client.query(`SET default_transaction_isolation = 'read committed'`);
    await runMigrations(client, DEFAULT_SCHEMA);
  } finally {
    await client.end();
  }
}
