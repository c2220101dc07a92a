import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from './generated/prisma/client.js';
import type { Log } from './log.js';
import { wrapInTransactions } from './pooling/wrap-in-transactions.js';

/** One pool for Prisma (rows and lists) and for set-based SQL (hot paths). */
export interface Database {
  prisma: PrismaClient;
  pool: pg.Pool;
  /** Connections with a session of their own, for LISTEN and session locks. Equals `pool` unless a direct URL is
   *  set. */
  direct: pg.Pool;
  close(): Promise<void>;
}

/** The settings of every statement, which override the defaults of server, database and role.
 *
 *  Plans: a hot statement is planned once per connection, because planning its CTEs takes as long as running it.
 *  Such a plan outlives the statistics it was made with, so it must not suit only an empty table. Every statement
 *  has an index, so sequential scans are disabled. (Before, a fresh database read all deliveries for each attempt
 *  until its first ANALYZE.) JIT compilation costs even more. Lists have indexes in their order: an incremental sort
 *  would read all rows of a large account (newest-first.ts).
 *
 *  Timeouts: no statement and no idle transaction holds its locks forever. */
const SETTINGS = [
  'plan_cache_mode = force_generic_plan',
  'enable_seqscan = off',
  'enable_incremental_sort = off',
  'jit = off',
  "statement_timeout = '30s'",
  "idle_in_transaction_session_timeout = '30s'",
];
/** Concurrent statements on one row wait for each other and then see the other's change. Under REPEATABLE READ they
 *  would fail. */
const ISOLATION = 'READ COMMITTED';

// Not startup parameters, because poolers refuse unknown ones.
const SESSION = [`default_transaction_isolation = '${ISOLATION}'`, ...SETTINGS].map((one) => `SET ${one}`).join('; ');
const BEGIN = [`BEGIN ISOLATION LEVEL ${ISOLATION}`, ...SETTINGS.map((one) => `SET LOCAL ${one}`)].join('; ');

export interface DatabaseOptions {
  url: string;
  /** If set, `url` is a pooler in transaction mode and this is Postgres itself. Each statement is then a transaction
   *  of three round trips that sets its own settings. */
  directUrl?: string | null;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** All processes together must stay below Postgres' max_connections. */
  maxConnections: number;
  log: Log;
}

/** For retention's lock. The dispatcher opens another connection for LISTEN. */
const MOST_DIRECT_CONNECTIONS = 1;

/** Opens the pool and the only PrismaClient. Connects on first use, so an unavailable database is not an error here.
 *  No statement hangs forever: connecting ends after 5 s, a statement after 30 s, on either side. */
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
    // Without a listener, a broken idle connection would end the process. The next query gets a new connection.
    opened.on('error', (error) => log.debug({ err: error }, 'database.connection_lost'));
    // The same holds for a connection that breaks between two statements, or before its caller has it.
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

/** Runs `work` in one transaction on one connection: commits when it returns, rolls back when it throws.
 *  (Prisma's interactive transactions cost 5 × as much and can release a connection twice, prisma/prisma#29952.) */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // A connection whose rollback fails is broken: drop it instead of returning it.
    await client.query('ROLLBACK').catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}
