import type pg from 'pg';
import { hasUnleased, leasedOf } from '../deliveries/lease.js';
import { isInOrder } from '../deliveries/strict-order.js';
import { inIdOrder, lookUp } from '../look-up.js';
import { MAX_CAPACITY } from '../throttle/capacity.js';
import { isClosed } from '../throttle/circuit-breaker.js';
import { wakeDispatchers } from './wake.js';

/** A catch-up: after a subscription has recovered, its deliveries that wait for their next attempt become due early. Without it, they
 *  would wait up to a day although the endpoint works again. A row of `catch_ups` stands for a catch-up.
 *
 *  catch-up   entered when                                                    left when
 *  due        an attempt of a failing subscription succeeds, if this closes   a step runs
 *             the circuit, if it has failed for FAILING_FOR, or if a person
 *             requested the attempt; `due_at` has passed
 *  waiting    a step has run, until `due_at`                                 → due
 *  deleted    a step has read all deliveries; failures in a row weigh         –
 *             STOPS_AT; the circuit opens; the subscription is not active
 *
 *  A step makes as many deliveries due as a quarter of the capacity allows, the oldest first, while nothing else of the subscription is
 *  due. The capacity is small after an outage and grows with each success (throttle/capacity.ts). So the first step makes two
 *  deliveries due, fewer than would open the circuit again. The dispatcher leases them like any other due delivery.
 *
 *  An early attempt uses up no wait of the schedule: the step gives the delivery its last wait back. So an endpoint that keeps failing
 *  and recovering cannot exhaust deliveries within minutes. A delivery with MOST_ATTEMPTS keeps its schedule, so it ends.
 *
 *  These deliveries keep their time: those that are due within SOON anyway; requested attempts; and those whose last response was 429,
 *  because that limits our rate, whatever else succeeds. A 503 with Retry-After was an estimate of an outage that has ended. */
export interface CatchUpStep {
  /** Catch-ups that were due. */
  scanned: number;
  /** Deliveries that became due. */
  count: number;
}

const FAILING_FOR = '1 minute';
const STOPS_AT = 5;
const MOST_ATTEMPTS = 50;
/** Much longer than a step, so no worker starts the scheduled attempt while a step changes it. */
const SOON = '5 seconds';
/** Maximum number of subscriptions per step, and of deliveries that it reads of each. */
const AT_ONCE = 20;
const ROWS_AT_ONCE = 500;
const FIRST_ID = `'00000000-0000-0000-0000-000000000000'::uuid`;

// The expressions read `v`: a subscription before attempts, and their verdict (deliver/record-attempts.ts).
const RECOVERS = `v.succeeded AND v.failing_since IS NOT NULL AND (
      v.circuit_open_until IS NOT NULL OR v.failing_since <= now() - interval '${FAILING_FOR}' OR v.is_confirmed)`;

/** SQL: the columns of a subscription after attempts. */
export const SET_OUTAGE = `
    last_outage_from = CASE WHEN ${RECOVERS} THEN v.failing_since ELSE v.last_outage_from END,
    last_outage_until = CASE WHEN ${RECOVERS} THEN now() ELSE v.last_outage_until END`;

/** SQL: starts a catch-up of each subscription in `standing` that recovers, or starts it over. */
export const startCatchUps = (standing: string): string => `
  INSERT INTO catch_ups (subscription_id)
  SELECT id FROM ${standing} v WHERE ${RECOVERS} ORDER BY id
  ON CONFLICT (subscription_id) DO UPDATE SET position = NULL, due_at = now()`;

// The clock advances while the statement waits or runs; now() does not.
const IS_SCHEDULED = `d.status = 'pending' AND d.requested_trigger IS NULL AND d.due_at > clock_timestamp() + interval '${SOON}'
    AND d.last_status_code IS DISTINCT FROM 429 AND d.attempt_count < ${MOST_ATTEMPTS}`;

// `room`: how many deliveries of each subscription become due; null ends the catch-up. In a strict order only the head is sent,
// and the deliveries behind it are due: so they do not count.
const STEP = `
WITH scanned AS MATERIALIZED (
  SELECT c.subscription_id AS id, coalesce(c.position, ${FIRST_ID}) AS position, CASE
      WHEN s.status <> 'active' OR s.deleted_at IS NOT NULL OR NOT ${isClosed('s')} OR s.failure_streak >= ${STOPS_AT} THEN NULL
      WHEN ${isInOrder('s')} THEN 1
      WHEN ${hasUnleased('s.id')} THEN 0
      ELSE greatest(0, ceil(s.concurrency_limit / 4.0) - (
        SELECT count(*) FROM (${leasedOf('s.id', { limit: MAX_CAPACITY })}) d
      ))
    END AS room
  FROM (
    SELECT * FROM catch_ups WHERE due_at <= now() ORDER BY due_at LIMIT ${AT_ONCE} FOR UPDATE SKIP LOCKED
  ) c JOIN subscriptions s ON ${lookUp('s.id', 'c.subscription_id')}
),
read AS MATERIALIZED (
  SELECT l.id AS subscription_id, l.room, d.id, d.is_scheduled, count(*) FILTER (WHERE d.is_scheduled) OVER (PARTITION BY l.id ORDER BY d.id) AS place
  FROM scanned l CROSS JOIN LATERAL (
    SELECT d.id, ${IS_SCHEDULED} AS is_scheduled FROM pending_deliveries d
    WHERE ${inIdOrder('d.subscription_id', 'l.id', { from: 'l.position' })} AND d.id > l.position
    ORDER BY d.subscription_id, d.id LIMIT CASE WHEN l.room > 0 THEN ${ROWS_AT_ONCE} ELSE 0 END
  ) d
),
locked AS MATERIALIZED (
  SELECT p.id FROM read r JOIN pending_deliveries p ON ${lookUp('p.id', 'r.id')}
  WHERE r.is_scheduled AND r.place <= r.room
  FOR UPDATE OF p SKIP LOCKED
),
changed AS (
  UPDATE pending_deliveries d SET due_at = now(), leased_until = NULL, failure_count = greatest(0, d.failure_count - 1)
  WHERE d.id = ANY (ARRAY(SELECT id FROM locked)) AND ${IS_SCHEDULED}
  RETURNING d.id
),
walked AS (
  SELECT l.id, l.room, r.position, coalesce(r.is_last, true) AS is_last
  FROM scanned l LEFT JOIN (
    SELECT subscription_id, count(*) < ${ROWS_AT_ONCE} AND max(place) <= max(room) AS is_last,
      (array_agg(id ORDER BY id DESC) FILTER (WHERE place <= room))[1] AS position
    FROM read GROUP BY subscription_id
  ) r ON r.subscription_id = l.id
),
ended AS (
  DELETE FROM catch_ups c USING walked w WHERE c.subscription_id = w.id AND (w.room IS NULL OR w.room > 0 AND w.is_last)
),
continued AS (
  UPDATE catch_ups c SET position = coalesce(w.position, c.position),
    due_at = now() + CASE WHEN w.room > 0 THEN interval '0.1 seconds' ELSE interval '1 second' END
  FROM walked w WHERE c.subscription_id = w.id AND (w.room = 0 OR NOT w.is_last)
)
SELECT (SELECT count(*)::int FROM scanned) AS scanned, (SELECT count(*)::int FROM changed) AS count`;

/** Makes one step of the catch-ups that have been due for longest, AT_ONCE at most. Any number of processes may call it. A step reads
 *  at most ROWS_AT_ONCE deliveries of each subscription and none twice. Uses pending_deliveries_subscription_id_id_idx. */
export async function catchUp(pool: pg.Pool): Promise<CatchUpStep> {
  const { rows } = await pool.query<CatchUpStep>({ name: 'catch-up', text: STEP });
  const step = rows[0] ?? { scanned: 0, count: 0 };
  if (step.count > 0) await wakeDispatchers(pool);
  return step;
}
