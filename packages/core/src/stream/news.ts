import type { Database } from '../database.js';
import { lowestId } from '../id.js';
import type { AnyKey, AnyRow, Source } from './source.js';

/** New rows in the ledger. They are found by their ids, which contain the creation time. Searching back and skipping
 *  known rows finds rows that are committed late. */
export interface News<Row> {
  /** Returns rows that no poll since `restart` has returned; `isCut`: there are more. Calls `accountIds` when the
   *  poll starts; null: all accounts. Throws if the database fails; the next poll starts where the last successful
   *  one did. */
  poll(accountIds: () => string[] | null): Promise<{ rows: Row[]; isCut: boolean }>;
  /** After a pause: only rows from `now` on are new. */
  restart(now: number): void;
}

/** Each poll goes back this far: most rows are committed within moments of the creation of their id. */
const SEARCH_BACK_MS = 2_000;
/** Some polls go back this far: a statement may take 30 s, and clocks differ. */
export const LATEST_COMMIT_MS = 40_000;
const SEARCH_FAR_EVERY_MS = 10_000;
/** Maximum number of ids per poll; more than any load creates within the last seconds. */
const MOST_IDS = 50_000;

export function openNews<Key extends AnyKey, Row extends AnyRow, Filter>(
  db: Pick<Database, 'pool'>,
  source: Source<Key, Row, Filter>,
): News<Row> {
  const seen = new Set<string>();
  let polledAt: number | null = null;
  let searchedFarAt = 0;
  return {
    async poll(accountIds) {
      const now = await readClock(db);
      const since = polledAt ?? now;
      const isFar = now - searchedFarAt >= SEARCH_FAR_EVERY_MS;
      const after = lowestId(
        new Date(isFar ? Math.min(since, searchedFarAt || since) - LATEST_COMMIT_MS : since - SEARCH_BACK_MS),
      );
      const found = await source.find(db, { accountIds: accountIds(), filter: null, after }, MOST_IDS);
      const fresh = found.filter(({ id }) => !seen.has(id));
      const count = source.countReadable(fresh);
      const rows = await source.read(db, fresh.slice(0, count));
      polledAt = now;
      if (isFar) {
        searchedFarAt = now;
        const oldest = lowestId(new Date(now - 2 * LATEST_COMMIT_MS - SEARCH_FAR_EVERY_MS));
        for (const id of seen) if (id < oldest) seen.delete(id);
      }
      for (const { id } of fresh) seen.add(id);
      return { rows, isCut: fresh.length > count || found.length === MOST_IDS };
    },
    restart(now) {
      polledAt = now;
      searchedFarAt = now;
      seen.clear();
    },
  };
}

/** Returns the database's clock in milliseconds since 1970. */
export async function readClock({ pool }: Pick<Database, 'pool'>): Promise<number> {
  const { rows } = await pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return rows[0]?.now.getTime() ?? Date.now();
}
