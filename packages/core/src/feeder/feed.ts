import type pg from 'pg';
import { settleHeld } from './settle-held.js';
import type { Deps, Due } from '../deps.js';
import { claimDue, claimDueVerifications } from './claim-due.js';
import { feedSoon } from './feed-soon.js';

const PER_SUBSCRIPTION = 50;
const LIMIT = 1_000;

/** One round of the feeder: what is due and in nobody's hands is claimed fairly and enqueued; what is held although its
 *  subscription is active again is released. Returns how many jobs it made; call again at once when that was many.
 *  Any number of processes may run it. */
export async function feed({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>): Promise<number> {
  const released = await settleHeld(db.pool, { limit: PER_SUBSCRIPTION });
  const claimed = await claimDue(db.pool, { perSubscription: PER_SUBSCRIPTION, limit: LIMIT });
  const verifications = await claimDueVerifications(db.pool, { limit: 100 });

  // A first attempt does not wait behind retries, nor one that a person waits for.
  const first = [...released, ...claimed.filter(({ attemptNumber, isAsked }) => attemptNumber === 1 || isAsked)];
  const next = claimed.filter(({ attemptNumber, isAsked }) => attemptNumber > 1 && !isAsked);
  const hand = async (queue: 'deliver' | 'retry', due: Due[]) => {
    if (due.length > 0 && !(await enqueue(queue, due)))
      await feedSoon(
        db,
        due.map(({ id }) => id),
      );
  };
  await hand('deliver', first);
  await hand('retry', next);
  if (verifications.length > 0) await enqueue('verify', verifications);
  return released.length + claimed.length + verifications.length;
}

/** Drops idempotency keys older than the 24 h they are kept. Leans on idempotency_keys_created_at_idx. */
export async function dropOldKeys(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query(
    `DELETE FROM idempotency_keys WHERE (account_id, key) IN
       (SELECT account_id, key FROM idempotency_keys WHERE created_at < now() - interval '24 hours' LIMIT 10000)`,
  );
  return rowCount ?? 0;
}
