import type pg from 'pg';
import { type Part, runPart, type Settled, SETTLED } from './verb.js';
import { inIdOrder, lookUp } from '../look-up.js';

// Uses pending_deliveries_held_idx, then the primary key. `locked` has no condition on the status: with statistics from
// before the pause, the planner would use the held index again and read all held rows for each released row.
const RELEASE = `
WITH scanned AS MATERIALIZED (
  SELECT h.id FROM pending_deliveries h
  WHERE ${inIdOrder('h.subscription_id', '$1', { from: '$2::uuid' })} AND h.id <> $2 AND h.status = 'held'
    AND EXISTS (SELECT FROM subscriptions s WHERE s.id = $1 AND s.status = 'active' AND s.deleted_at IS NULL)
  ORDER BY h.subscription_id, h.id LIMIT $3
),
locked AS MATERIALIZED (
  SELECT p.id, p.status FROM scanned l JOIN pending_deliveries p ON ${lookUp('p.id', 'l.id')} FOR UPDATE OF p SKIP LOCKED
),
placed AS MATERIALIZED (
  SELECT id, row_number() OVER (ORDER BY id DESC) - 1 AS behind FROM locked WHERE status = 'held'
),
changed AS (
  UPDATE pending_deliveries d SET status = 'pending', due_at = now() - p.behind * interval '1 millisecond'
  FROM placed p WHERE ${lookUp('d.id', 'p.id')}
  RETURNING d.id
)
SELECT ${SETTLED}`;

/** held → pending: releases deliveries of an active subscription, the oldest first. Otherwise it does nothing.
 *  Each is due a millisecond after the one before it, which keeps the order. The dispatcher leases them as the
 *  subscription has capacity. Safe to repeat. */
export const releaseDeliveries = (pool: pg.Pool, part: Part): Promise<Settled> => runPart(pool, RELEASE, part);
