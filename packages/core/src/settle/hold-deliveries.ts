import type pg from 'pg';
import { type Part, runPart, type Settled, SETTLED } from './verb.js';
import { inIdOrder, lookUp } from '../look-up.js';

// Uses pending_deliveries_subscription_id_id_idx. `scanned` includes held deliveries, so that the number of rows read is
// bounded.
const HOLD = `
WITH scanned AS MATERIALIZED (
  SELECT p.id, p.status FROM pending_deliveries p
  WHERE ${inIdOrder('p.subscription_id', '$1', { from: '$2::uuid' })} AND p.id <> $2
    AND EXISTS (
      SELECT FROM subscriptions s
      WHERE s.id = $1 AND (s.status = 'paused' OR s.status = 'disabled' AND s.holds_when_disabled) AND s.deleted_at IS NULL
    )
  ORDER BY p.subscription_id, p.id LIMIT $3
),
changed AS (
  UPDATE pending_deliveries d SET status = 'held', due_at = NULL,
    requested_trigger = nullif(d.requested_trigger, 'replay'),
    leased_until = CASE WHEN nullif(d.requested_trigger, 'replay') IS NOT NULL THEN coalesce(d.leased_until, now()) END
  WHERE d.id = ANY (ARRAY(
    SELECT p.id FROM scanned l JOIN pending_deliveries p ON ${lookUp('p.id', 'l.id')} WHERE l.status = 'pending' AND p.status = 'pending'
    FOR UPDATE OF p SKIP LOCKED
  ))
  RETURNING d.id
)
SELECT ${SETTLED}`;

/** pending → held: holds deliveries of a subscription that is paused, or disabled with hold. Otherwise it does
 *  nothing.
 *  An attempt that a person requested stays requested; the request of a replay is dropped. Safe to repeat. */
export const holdDeliveries = (pool: pg.Pool, part: Part): Promise<Settled> => runPart(pool, HOLD, part);
