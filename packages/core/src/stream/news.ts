import type { Database } from '../database.js';
import { lowestId } from '../id.js';
import { type Change, lookForChanges, readChanges } from './change.js';

/** What is new in the ledger. A row is found by its id, which tells when it was made; rows that are committed late are found by
 *  looking back and leaving out what was seen. */
export interface News {
  /** Returns what no look since `restart` has returned; `isCut`: there was more. `accountIds` is asked when the look begins; null:
   *  all accounts. Throws when the database does: the next look goes back to where the last one that worked was. */
  look(accountIds: () => string[] | null): Promise<{ changes: Change[]; isCut: boolean }>;
  /** Nobody looked for a while: only what comes from `now` on is new. */
  restart(now: number): void;
}

/** Most rows are there within moments of when their id was made: each look goes back so far. */
const LOOK_BACK_MS = 2_000;
/** And now and then so far: a statement has ended after 30 s, and clocks of processes differ. */
export const LATEST_COMMIT_MS = 40_000;
const LOOK_FAR_EVERY_MS = 10_000;
/** Ids in one look; more than there are within the last seconds at any rate that we reach. */
const MOST_LOOKED_AT = 50_000;
/** Rows that one look brings. */
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

/** The database's, in milliseconds since 1970. */
export async function readClock({ pool }: Pick<Database, 'pool'>): Promise<number> {
  const { rows } = await pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return rows[0]?.now.getTime() ?? Date.now();
}
