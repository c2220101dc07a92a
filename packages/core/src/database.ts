import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from './generated/prisma/client.js';
import type { Log } from './log.js';
import { wrapInTransactions } from './pooling/wrap-in-transactions.js';

/** One pool for both worlds: Prisma for rows and lists, set-based SQL for the hot paths. */
export interface Database {
  prisma: PrismaClient;
  pool: pg.Pool;
  /** Connections that keep their session, for LISTEN and session locks. The same as `pool`, unless a direct URL is set. */
  direct: pg.Pool;
  close(): Promise<void>;
}

/** What each statement runs under, whatever the server's, the database's and the role's defaults are.
 *
 *  Plans: a hot statement is planned once per connection, since planning its many CTEs anew for each call's arrays would take
 *  as long as running it. Such a plan outlives the state of the tables it was made for, so it must not be one that suits an
 *  empty table only: every statement here has its index, and none may read a whole table instead. (Before this, a fresh
 *  database read all deliveries for each attempt until its first ANALYZE.) Compiling is dearer still. A list has an index in its
 *  order: an incremental sort of another one would read all rows of a large account (newest-first.ts).
 *
 *  Timeouts: no statement and no forgotten transaction holds its locks for ever. */
const SETTINGS = [
  'plan_cache_mode = force_generic_plan',
  'enable_seqscan = off',
  'enable_incremental_sort = off',
  'jit = off',
  "statement_timeout = '30s'",
  "idle_in_transaction_session_timeout = '30s'",
];
/** Concurrent statements on one row wait for each other, and then see what the other wrote. Under REPEATABLE READ they fail. */
const ISOLATION = 'READ COMMITTED';

// Not startup parameters: poolers refuse those that they do not know.
const SESSION = [`default_transaction_isolation = '${ISOLATION}'`, ...SETTINGS].map((one) => `SET ${one}`).join('; ');
const BEGIN = [`BEGIN ISOLATION LEVEL ${ISOLATION}`, ...SETTINGS.map((one) => `SET LOCAL ${one}`)].join('; ');

export interface DatabaseOptions {
  url: string;
  /** Set: `url` leads to a pooler in transaction mode, which keeps no session, and this one to Postgres itself. Each statement
   *  is then a transaction of three round trips that brings its own settings. */
  directUrl?: string | null;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** All processes together must stay below Postgres' max_connections. */
  maxConnections: number;
  log: Log;
}

/** For retention's lock. The dispatcher opens one more to listen. */
const MOST_DIRECT_CONNECTIONS = 1;

/** Opens the pool and the only PrismaClient. Connects on first use, so a database that is away is no error here.
 *  No statement may hang for ever: connecting ends after 5 s, a statement after 30 s, on either side. */
export function openDatabase({
  url,
  directUrl = null,
  applicationName,
  maxConnections,
  log,
}: DatabaseOptions): Database {
  const isPooled = directUrl !== null && directUrl !== url;
  const open = (connectionString: string, max: number, onConnect: (client: pg.ClientBase) => unknown): pg.Pool => {
    const opened = new pg.Pool({
      connectionString,
      application_name: applicationName,
      max,
      onConnect,
      connectionTimeoutMillis: 5_000,
      query_timeout: 32_000,
      keepAlive: true,
    });
    // An idle connection that breaks would otherwise end the process. The next query finds out for itself.
    opened.on('error', (error) => log.debug({ err: error }, 'database.connection_lost'));
    // So would one in use that ends between two statements, or right after it was made, when whoever wants it does not have it yet.
    opened.on('connect', (client) => client.on('error', () => {}));
    return opened;
  };
  const keepSettings = (client: pg.ClientBase) => client.query(SESSION);
  const pool = open(url, maxConnections, isPooled ? (client) => wrapInTransactions(client, BEGIN) : keepSettings);
  const direct = isPooled ? open(directUrl, MOST_DIRECT_CONNECTIONS, keepSettings) : pool;
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool, { onPoolError: () => {}, onConnectionError: () => {} }),
  });
  return {
    prisma,
    pool,
    direct,
    async close() {
      await prisma.$disconnect();
      await pool.end();
      if (direct !== pool) await direct.end();
    },
  };
}

/** Runs `work` in one transaction on one connection: committed when it returns, rolled back when it throws.
 *  (Prisma's interactive transactions are 5 × dearer and can release a connection twice, prisma/prisma#29952.) */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // A connection whose rollback fails is broken: it is dropped, not given back.
    await client.query('ROLLBACK').catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}
