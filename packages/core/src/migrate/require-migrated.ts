import type { Database } from '../database.js';
import { makeRetryWhileUnavailable } from '../database-away.js';
import type { Log } from '../log.js';
import { MigrationError, pendingMigrations } from './migrate.js';

/** Waits until the database answers, however long it is away, and throws MigrationError if it is behind this code: apps
 *  never migrate by themselves, for N of them start at once. */
export async function requireMigrated(db: Database, log: Log): Promise<void> {
  const pending = await makeRetryWhileUnavailable({ log })(() => pendingMigrations(db.pool));
  if (pending.length > 0) throw new MigrationError(`The database lacks ${pending.join(', ')}. Run: npm run db:migrate`);
}
