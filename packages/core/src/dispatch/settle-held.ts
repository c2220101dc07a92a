import type pg from 'pg';
import { cancelDeliveries } from '../deliveries/cancel-deliveries.js';
import { releaseHeld } from '../deliveries/release-held.js';

// A loose index scan over pending_deliveries_held_idx: one probe per subscription that holds anything.
const UNPAUSED = `
WITH RECURSIVE holding AS (
  (SELECT subscription_id FROM pending_deliveries WHERE status = 'held' ORDER BY subscription_id LIMIT 1)
  UNION ALL
  SELECT (
    SELECT d.subscription_id FROM pending_deliveries d
    WHERE d.status = 'held' AND d.subscription_id > h.subscription_id ORDER BY d.subscription_id LIMIT 1
  )
  FROM holding h WHERE h.subscription_id IS NOT NULL
)
SELECT s.id, s.status = 'active' AND s.deleted_at IS NULL AS "isActive"
FROM holding h JOIN subscriptions s ON s.id = h.subscription_id
WHERE s.deleted_at IS NOT NULL OR s.status <> 'paused' AND NOT (s.status = 'disabled' AND s.holds_when_disabled)`;

/** What is still held although its subscription is not paused any more is released (the rest of a large resume, and what was
 *  published while it was being resumed) or canceled. */
export async function settleHeld(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ id: string; isActive: boolean }>({
    name: 'unpaused',
    text: UNPAUSED,
  });
  for (const { id, isActive } of rows) {
    if (isActive) await releaseHeld(pool, { subscriptionId: id });
    else await cancelDeliveries(pool, { subscriptionId: id });
  }
}
