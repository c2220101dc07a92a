import type pg from 'pg';
import { settleHeld } from './settle-held.js';
import type { Deps, Due, QueueName } from '../deps.js';
import { claimDue, claimDueVerifications } from './claim-due.js';
import { feedSoon } from './feed-soon.js';

const PER_SUBSCRIPTION = 50;
const LIMIT = 1_000;

/** One round of the feeder: what is due and in nobody's hands is claimed fairly and enqueued; what is held although its
 *  subscription is active again is released. Returns how many jobs the queue took; call again at once when that was many.
 *  (What it did not take is not counted: a queue that is away would make the feeder claim without end.) Any number of
 *  processes may run it. */
export async function feed({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>): Promise<number> {
  const released = await settleHeld(db.pool, { limit: PER_SUBSCRIPTION });
  const claimed = await claimDue(db.pool, { perSubscription: PER_SUBSCRIPTION, limit: LIMIT });
  const verifications = await claimDueVerifications(db.pool, { limit: 100 });

  // A first attempt does not wait behind retries, nor one that a person waits for.
  const first = [...released, ...claimed.filter(({ attemptNumber, isAsked }) => attemptNumber === 1 || isAsked)];
  const next = claimed.filter(({ attemptNumber, isAsked }) => attemptNumber > 1 && !isAsked);
  async function hand(queue: QueueName, due: Due[]): Promise<number> {
    if (due.length === 0 || (await enqueue(queue, due))) return due.length;
    const ids = due.map(({ id }) => id);
    if (queue !== 'verify') await feedSoon(db, ids);
    return 0;
  }
  return (await hand('deliver', first)) + (await hand('retry', next)) + (await hand('verify', verifications));
}

const DROPPED_AT_ONCE = 10_000;

/** Drops all idempotency keys older than the 24 h they are kept, so many at a time. Returns how many. Leans on
 *  idempotency_keys_created_at_idx. */
export async function dropOldKeys(pool: pg.Pool): Promise<number> {
  let dropped = 0;
  for (let count = DROPPED_AT_ONCE; count === DROPPED_AT_ONCE; dropped += count) {
    const { rowCount } = await pool.query(
      `DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM idempotency_keys WHERE created_at < now() - interval '24 hours' LIMIT ${DROPPED_AT_ONCE} FOR UPDATE SKIP LOCKED
       ))`,
    );
    count = rowCount ?? 0;
  }
  return dropped;
}
