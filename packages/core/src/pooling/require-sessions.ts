import type { Database } from '../database.js';
import { isDatabaseAway, makeRetryWhileUnavailable } from '../database-away.js';
import type { Log } from '../log.js';
import { readPooling } from './read-pooling.js';

/** The database URLs point to poolers that do not support what Posthorn needs. The message says what to set. */
class PoolerError extends Error {}

/** Waits until the database is available. Throws PoolerError if a pooler does not keep a session that is needed, or
 *  loses named statements. Both would otherwise fail silently later. */
export async function requireSessions({ pool, direct }: Pick<Database, 'pool' | 'direct'>, log: Log): Promise<void> {
  const retryWhileUnavailable = makeRetryWhileUnavailable({ log });
  const read = ({ options }: Database['pool']) =>
    retryWhileUnavailable(() => readPooling(options.connectionString ?? ''));
  const pooling = await read(pool);
  if (pooling === 'unnamed') throw new PoolerError(UNNAMED);
  if (direct === pool && pooling !== 'session') throw new PoolerError(NO_DIRECT_URL);
  if (direct !== pool && (await read(direct)) !== 'session') throw new PoolerError(NOT_DIRECT);
}

/** The same for the read replica, which may be unavailable: then it is not checked. */
export async function requireSessionsToRead({ pool }: Pick<Database, 'pool'>): Promise<void> {
  try {
    if ((await readPooling(pool.options.connectionString ?? '')) !== 'session') throw new PoolerError(NOT_FOR_READING);
  } catch (error) {
    if (!isDatabaseAway(error)) throw error;
  }
}

const UNNAMED =
  'DATABASE_URL points to a connection pooler that loses prepared statements: switch the pooler to session mode; or use PgBouncer 1.21 or newer in transaction mode with max_prepared_statements above 0, and set DATABASE_DIRECT_URL to the URL of Postgres itself.';
const NO_DIRECT_URL =
  'DATABASE_URL points to a connection pooler in transaction mode: set DATABASE_DIRECT_URL to the URL of Postgres itself, or switch the pooler to session mode.';
const NOT_DIRECT =
  'DATABASE_DIRECT_URL points to a connection pooler in transaction mode, too: set it to the URL of Postgres itself.';
const NOT_FOR_READING =
  'DATABASE_READ_URL points to a connection pooler in transaction mode: set it to the URL of the replica itself, or switch the pooler to session mode.';
