import { openBatch } from '../batch.js';
import type { Deps } from '../deps.js';

export interface AccountFinder {
  /** Returns whether an account with this id exists and is not deleted. Queries the database each time; concurrent
   *  calls share a statement. */
  exists(id: string): Promise<boolean>;
}

export function openAccountFinder({ db }: Pick<Deps, 'db'>): AccountFinder {
  const batch = openBatch<string, boolean>({
    maxSize: 200,
    maxRuns: 2,
    async run(ids) {
      const { rows } = await db.pool.query<{ id: string }>({
        name: 'find-accounts',
        text: 'SELECT id FROM accounts WHERE id = ANY ($1) AND deleted_at IS NULL',
        values: [ids],
      });
      const found = new Set(rows.map(({ id }) => id));
      return ids.map((id) => found.has(id));
    },
  });
  return { exists: (id) => batch.add(id) };
}
