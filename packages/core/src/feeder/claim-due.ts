import type pg from 'pg';
import type { Due } from '../deps.js';
import { LEASE_SECONDS } from '../events/insert-events.js';

export interface ClaimedDelivery extends Due {
  delayMs: number;
  /** An attempt that a person asked for. */
  isAsked: boolean;
}

// A loose index scan over deliveries_feed_idx: one probe per subscription that is owed anything, then the oldest due of
// each. So a subscription with a backlog of a million costs what one with a backlog of fifty costs, and gets no larger share:
// the first of each subscription come before the second of any. Only what is chosen is locked: a lock is a write.
const CLAIM = `
WITH RECURSIVE owed AS (
  (SELECT subscription_id FROM deliveries WHERE feed_at IS NOT NULL ORDER BY subscription_id LIMIT 1)
  UNION ALL
  SELECT (
    SELECT d.subscription_id FROM deliveries d
    WHERE d.feed_at IS NOT NULL AND d.subscription_id > o.subscription_id ORDER BY d.subscription_id LIMIT 1
  )
  FROM owed o WHERE o.subscription_id IS NOT NULL
),
due AS (
  SELECT c.id, row_number() OVER (PARTITION BY o.subscription_id ORDER BY c.feed_at) AS turn, c.feed_at
  FROM owed o CROSS JOIN LATERAL (
    SELECT d.id, d.feed_at FROM deliveries d
    WHERE d.subscription_id = o.subscription_id AND d.feed_at <= now()
    ORDER BY d.feed_at LIMIT $1
  ) c
  WHERE o.subscription_id IS NOT NULL
),
chosen AS (
  SELECT d.id FROM deliveries d
  WHERE d.id = ANY (ARRAY(SELECT id FROM due ORDER BY turn, feed_at LIMIT $2)) AND d.feed_at <= now()
  FOR UPDATE SKIP LOCKED
)
UPDATE deliveries d SET feed_at = greatest(d.due_at, now()) + interval '${LEASE_SECONDS} seconds'
WHERE d.id = ANY (ARRAY(SELECT id FROM chosen))
RETURNING d.id, d.attempt_count + 1 AS "attemptNumber", d.asked_trigger IS NOT NULL AS "isAsked",
  CASE WHEN d.asked_trigger IS NULL THEN greatest(0, extract(epoch FROM d.due_at - now()) * 1000) ELSE 0 END::float8 AS "delayMs"`;

/** Claims deliveries whose attempt is due (or nearly) and in nobody's hands, for LEASE_SECONDS: at most `perSubscription`
 *  of each subscription and `limit` in all. Any number may run at the same time: each delivery goes to one of them. */
export async function claimDue(
  pool: pg.Pool,
  { perSubscription, limit }: { perSubscription: number; limit: number },
): Promise<ClaimedDelivery[]> {
  const { rows } = await pool.query<ClaimedDelivery>({
    name: 'claim-due',
    text: CLAIM,
    values: [perSubscription, limit],
  });
  return rows;
}

/** The same for verifications. Leans on verifications_feed_idx. */
export async function claimDueVerifications(pool: pg.Pool, { limit }: { limit: number }): Promise<Due[]> {
  const { rows } = await pool.query<Due>({
    name: 'claim-due-verifications',
    text: `
      UPDATE verifications v SET feed_at = now() + interval '${LEASE_SECONDS} seconds'
      WHERE v.id = ANY (ARRAY(SELECT id FROM verifications WHERE feed_at <= now() ORDER BY feed_at LIMIT $1 FOR UPDATE SKIP LOCKED))
      RETURNING v.id, v.attempt_count + 1 AS "attemptNumber"`,
    values: [limit],
  });
  return rows;
}
