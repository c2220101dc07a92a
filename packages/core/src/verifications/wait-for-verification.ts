import type { Database } from '../database.js';
import type { Log } from '../log.js';
import { openWatch } from '../watch.js';

/** Waits until the first attempt of a verification is recorded or the verification is deleted, at most `timeoutMs`. */
export type WaitForVerification = (wanted: { id: string; timeoutMs: number }) => Promise<void>;

const POLL_EVERY_MS = 50;

// Uses the primary key of verifications.
const FIND_ATTEMPTED = `
SELECT waited.id FROM unnest($1::uuid[]) AS waited (id)
LEFT JOIN verifications v ON v.id = waited.id
WHERE v.id IS NULL OR v.attempt_count > 0 OR v.status <> 'pending'`;

/** Opens the wait of one process: all waiting requests share one statement per poll. For Papercups' routes, whose
 *  callers expect the true `verified` in the response. */
export function openVerificationWait({ db, log }: { db: Pick<Database, 'pool'>; log: Log }): WaitForVerification {
  const watch = openWatch({
    everyMs: POLL_EVERY_MS,
    async findEnded(ids) {
      const { rows } = await db.pool.query<{ id: string }>({
        name: 'find-attempted-verifications',
        text: FIND_ATTEMPTED,
        values: [ids],
      });
      return rows.map(({ id }) => id);
    },
    log,
  });
  return ({ id, timeoutMs }) =>
    new Promise((resolve) => {
      const timer = setTimeout(() => {
        stop();
        resolve();
      }, timeoutMs);
      const stop = watch.add(id, () => {
        clearTimeout(timer);
        resolve();
      });
    });
}
