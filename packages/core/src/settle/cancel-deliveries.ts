import type pg from 'pg';
import { COLUMNS } from '../delivery-tables.js';
import { type Part, runPart, type Settled, SETTLED } from './verb.js';
import { inIdOrder, lookUp } from '../look-up.js';

// Uses pending_deliveries_subscription_id_id_idx.
const CANCEL = `
WITH scanned AS MATERIALIZED (
  SELECT p.id, s.is_deleted FROM pending_deliveries p CROSS JOIN (
    SELECT s.deleted_at IS NOT NULL AS is_deleted FROM subscriptions s
    WHERE s.id = $1 AND (s.status = 'disabled' AND NOT s.holds_when_disabled OR s.deleted_at IS NOT NULL)
  ) s
  WHERE ${inIdOrder('p.subscription_id', '$1', { from: '$2::uuid' })} AND p.id <> $2
  ORDER BY p.subscription_id, p.id LIMIT $3
),
chosen AS MATERIALIZED (
  SELECT p.id FROM scanned l JOIN pending_deliveries p ON ${lookUp('p.id', 'l.id')} WHERE p.status IN ('pending', 'held') OR l.is_deleted
  FOR UPDATE OF p SKIP LOCKED
),
leaving AS (
  DELETE FROM pending_deliveries d WHERE d.id = ANY (ARRAY(SELECT id FROM chosen)) RETURNING ${COLUMNS}
),
changed AS (
  INSERT INTO finished_deliveries (${COLUMNS})
  SELECT id, account_id, event_id, event_type, subscription_id,
    CASE WHEN status IN ('pending', 'held') THEN 'canceled' ELSE status END,
    CASE
      WHEN status NOT IN ('pending', 'held') THEN status_reason
      WHEN (SELECT bool_and(is_deleted) FROM scanned) THEN 'subscription_deleted' ELSE 'subscription_disabled'
    END,
    attempt_count, failure_count, created_at, coalesce(completed_at, now()), replay_id,
    last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at
  FROM leaving
  RETURNING id
)
SELECT ${SETTLED}`;

/** pending, held → canceled: cancels deliveries of a subscription that is deleted, or disabled without hold.
 *  Otherwise it does nothing.
 *  A deleted subscription has no URL, so requested attempts of finished deliveries are dropped as well.
 *  An attempt in flight that succeeds still makes its delivery succeeded. Safe to repeat. */
export const cancelDeliveries = (pool: pg.Pool, part: Part): Promise<Settled> => runPart(pool, CANCEL, part);
