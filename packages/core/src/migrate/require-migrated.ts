import type { Database } from '../database.js';
import { makeRetryWhileUnavailable } from '../database-away.js';
import type { Log } from '../log.js';
import { MigrationError, pendingMigrations } from './migrate.js';

/** Waits until the database is available. Throws MigrationError if migrations are pending: apps never migrate
 *  automatically, because many start at once. */
export async function requireMigrated(db: Database, log: Log): Promise<void> {
  const pending = await makeRetryWhileUnavailable({ log })(() => pendingMigrations(db.pool));
  if (pending.length > 0) throw new MigrationError(`The database lacks ${pending.join(', ')}. Run: npm run db:migrate`);
}
