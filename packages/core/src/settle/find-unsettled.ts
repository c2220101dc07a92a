import type pg from 'pg';

// A loose index scan over pending_deliveries_held_idx: one probe per subscription with held deliveries.
const FIND = `
WITH RECURSIVE holding AS (
  (SELECT subscription_id FROM pending_deliveries WHERE status = 'held' ORDER BY subscription_id LIMIT 1)
  UNION ALL
  SELECT (
    SELECT d.subscription_id FROM pending_deliveries d
    WHERE d.status = 'held' AND d.subscription_id > h.subscription_id ORDER BY d.subscription_id LIMIT 1
  )
  FROM holding h WHERE h.subscription_id IS NOT NULL
)
INSERT INTO settlements (subscription_id)
SELECT s.id FROM holding h JOIN subscriptions s ON s.id = h.subscription_id
WHERE s.deleted_at IS NOT NULL OR s.status <> 'paused' AND NOT (s.status = 'disabled' AND s.holds_when_disabled)
ORDER BY s.id
FOR KEY SHARE OF s SKIP LOCKED
ON CONFLICT DO NOTHING`;

/** Finds subscriptions that have held deliveries but are not paused, so that they are settled. Returns how many it
 *  found.
 *  This is a safety net for causes that settlements do not cover, such as a statement that ran longer than its
 *  timeout. Pending deliveries need none: the worker that loads one settles its subscription. */
export async function findUnsettled(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query(FIND);
  return rowCount ?? 0;
}
