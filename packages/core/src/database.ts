import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from './generated/prisma/client.js';
import type { Log } from './log.js';

/** One pool for both worlds: Prisma for rows and lists, set-based SQL for the hot paths. */
export interface Database {
  prisma: PrismaClient;
  pool: pg.Pool;
  close(): Promise<void>;
}

/** How Postgres is to plan. A hot statement is planned once per connection: planning its many CTEs anew for each call's arrays
 *  would take as long as running it. Such a plan outlives the state of the tables it was made for, so it must not be one
 *  that suits an empty table only: every statement here has its index, and none may read a whole table instead. (Before
 *  this, a fresh database read all deliveries for each attempt until its first ANALYZE.) Compiling is dearer still. */
const PLANS = '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off';

export interface DatabaseOptions {
  url: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** All processes together must stay below Postgres' max_connections. */
  maxConnections: number;
  log: Log;
}

/** Opens the pool and the only PrismaClient. Connects on first use, so a database that is away is no error here.
 *  No statement may hang for ever: connecting ends after 5 s, a statement after 30 s, on either side. */
export function openDatabase({ url, applicationName, maxConnections, log }: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: applicationName,
    options: PLANS,
    max: maxConnections,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
    query_timeout: 32_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
  });
  // An idle connection that breaks would otherwise end the process. The next query finds out for itself.
  pool.on('error', (error) => log.debug({ err: error }, 'database.connection_lost'));
  // So would one in use that ends between two statements, or right after it was made, when whoever wants it does not have it yet.
  pool.on('connect', (client) => client.on('error', () => {}));
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool, { onPoolError: () => {}, onConnectionError: () => {} }),
  });
  return {
    prisma,
    pool,
    async close() {
      await prisma.$disconnect();
      await pool.end();
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
