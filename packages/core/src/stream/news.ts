import type { Database } from '../database.js';
import { lowestId } from '../id.js';
import { type Change, lookForChanges, readChanges } from './change.js';

/** New rows in the ledger. They are found by their ids, which contain the creation time. Looking back and skipping
 *  known rows finds rows that are committed late. */
export interface News {
  /** Returns rows that no look since `restart` has returned; `isCut`: there are more. Calls `accountIds` when the
   *  look starts; null: all accounts. Throws if the database fails; the next look starts where the last successful
   *  one did. */
  look(accountIds: () => string[] | null): Promise<{ changes: Change[]; isCut: boolean }>;
  /** After a pause: only rows from `now` on are new. */
  restart(now: number): void;
}

/** Each look goes back this far: most rows are committed within moments of the creation of their id. */
const LOOK_BACK_MS = 2_000;
/** Some looks go back this far: a statement may take 30 s, and clocks differ. */
export const LATEST_COMMIT_MS = 40_000;
const LOOK_FAR_EVERY_MS = 10_000;
/** Maximum number of ids per look; more than any load creates within the last seconds. */
const MOST_LOOKED_AT = 50_000;
/** Maximum number of rows per look. */
const MOST_READ = 2_000;

export function openNews(db: Pick<Database, 'pool'>): News {
  const seen = new Set<string>();
  let lookedAt: number | null = null;
  let lookedFarAt = 0;
  return {
    async look(accountIds) {
      const now = await readClock(db);
      const since = lookedAt ?? now;
      const isFar = now - lookedFarAt >= LOOK_FAR_EVERY_MS;
      const after = lowestId(
        new Date(isFar ? Math.min(since, lookedFarAt || since) - LATEST_COMMIT_MS : since - LOOK_BACK_MS),
      );
      const wanted = { accountIds: accountIds(), subscriptionIds: null, after };
      const found = await lookForChanges(db, wanted, MOST_LOOKED_AT);
      const fresh = found.filter(({ id }) => !seen.has(id));
      const changes = await readChanges(db, fresh.slice(0, MOST_READ));
      lookedAt = now;
      if (isFar) {
        lookedFarAt = now;
        const oldest = lowestId(new Date(now - 2 * LATEST_COMMIT_MS - LOOK_FAR_EVERY_MS));
        for (const id of seen) if (id < oldest) seen.delete(id);
      }
      for (const { id } of fresh) seen.add(id);
      return { changes, isCut: fresh.length > MOST_READ || found.length === MOST_LOOKED_AT };
    },
    restart(now) {
      lookedAt = now;
      lookedFarAt = now;
      seen.clear();
    },
  };
}

/** Returns the database's clock in milliseconds since 1970. */
export async function readClock({ pool }: Pick<Database, 'pool'>): Promise<number> {
  const { rows } = await pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return rows[0]?.now.getTime() ?? Date.now();
}
