import type { Database } from '../database.js';
import type { Log } from '../log.js';
import { openWatch, type Watch } from '../watch.js';
import { IS_LIVE } from './session.js';

const POLL_EVERY_MS = 500;

// Ids are unique across both tables. Uses their primary keys.
const FIND_ENDED = `
SELECT watched.id FROM unnest($1::uuid[]) AS watched (id)
WHERE NOT EXISTS (SELECT FROM api_keys k JOIN accounts a ON a.id = k.account_id WHERE k.id = watched.id AND a.deleted_at IS NULL)
  AND NOT EXISTS (SELECT FROM sessions s WHERE s.id = watched.id AND ${IS_LIVE})`;

/** Watches keys and sessions by id: reports when a key is revoked or a session has ended, within half a second and
 *  the time of one statement. Watching does not count as a use. */
export function openAccessWatch({ db, log }: { db: Pick<Database, 'pool'>; log: Log }): Watch {
  return openWatch({
    everyMs: POLL_EVERY_MS,
    async findEnded(ids) {
      const { rows } = await db.pool.query<{ id: string }>({
        name: 'find-ended-access',
        text: FIND_ENDED,
        values: [ids],
      });
      return rows.map(({ id }) => id);
    },
    log,
  });
}
