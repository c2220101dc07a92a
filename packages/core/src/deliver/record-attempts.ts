import type pg from 'pg';
import { type Batch, openBatch } from '../batch.js';
import { LEASE_SECONDS, leaseOf } from '../deliveries/lease.js';
import { SET_OUTAGE, startCatchUps } from '../dispatch/catch-up.js';
import type { AttemptTrigger, DeliveryStatus } from '../generated/prisma/client.js';
import { unsettleAll } from '../settle/unsettle.js';
import { DURATION_BUCKET, THIS_MINUTE } from '../stats/stat.js';
import { CAPACITY_GROWS, HAS_FULL_CAPACITY, QUICK_MS, SET_CAPACITY } from '../throttle/capacity.js';
import { HAS_FAILURES, isClosed, OPENS, SET_CIRCUIT, weightOf } from '../throttle/circuit-breaker.js';
import { type Columns, namesOf, unnest, valuesOf } from '../unnest.js';
import {
  ATTEMPT_COLUMNS,
  type AttemptMade,
  FINISHED_DETAILS,
  KEEP_LAST_ATTEMPTS,
} from '../deliveries/attempt-columns.js';
import type { Decision } from './decide.js';
import type { LoadedDelivery } from '../deliveries/delivery.js';
import { isStrict, isUnordered } from '../deliveries/strict-order.js';
import { isLate } from '../deliveries/late-attempts.js';
import { COLUMNS } from '../delivery-tables.js';
import { lookUp } from '../look-up.js';

export interface AttemptRecord extends AttemptMade {
  delivery: LoadedDelivery;
  trigger: AttemptTrigger;
  decision: Decision;
}

/** The attempt, its delivery, and the decision. */
const INPUT: Columns<AttemptRecord> = {
  ...ATTEMPT_COLUMNS,
  delivery_id: ['uuid', ({ delivery }) => delivery.id],
  trigger: ['attempt_trigger', ({ trigger }) => trigger],
  is_late: ['boolean', ({ delivery }) => isLate(delivery.id)],
  decided: ['text', ({ decision }) => decision.next],
  wait_ms: ['float8', ({ decision }) => (decision.next === 'retry' ? decision.inMs : 0)],
  spent: ['boolean', ({ decision, trigger }) => decision.next === 'retry' && decision.spent && trigger !== 'manual'],
  disables: ['boolean', ({ decision }) => decision.next === 'succeeded' && decision.disable === true],
  replay_id: ['uuid', ({ delivery }) => delivery.replayId],
};

/** The delivery after the attempt. null: the attempt was not recorded, because another one with its number was. */
export interface Recorded {
  status: DeliveryStatus;
  /** When the next attempt is due; null if none is pending. */
  nextInMs: number | null;
  /** The lease of its next attempt (leaseOf). */
  leasedUntil: number | null;
  /** true: the dispatcher enqueues the delivery when it is due. false: it is enqueued now as a delayed job, unless
   *  the wait is too long for the queue. */
  isLeftToDispatcher: boolean;
  /** Why this attempt disabled the subscription; null: it did not. */
  disabled: 'gone' | 'failing' | null;
  /** This attempt opened the subscription's circuit. */
  circuitOpened: boolean;
  /** If the delivery is finished and its subscription has a strict order: the shard whose next delivery may go.
   *  Otherwise null. */
  nextInShard: number | null;
}

/** Longer waits stay in Postgres until they are near, so that little is lost if the queue is. */
export const LONGEST_QUEUED_WAIT_MS = 60 * 60 * 1_000;

/** The two tables of deliveries. A delivery may already be finished when its attempt ends, because it was canceled
 *  meanwhile. */
type Table = 'pending_deliveries' | 'finished_deliveries';

/** The columns that only pending deliveries have, selected from `d`. */
const PENDING_COLUMNS: Record<Table, string> = {
  pending_deliveries: 'd.due_at, d.requested_trigger',
  finished_deliveries: 'NULL::timestamptz AS due_at, NULL::attempt_trigger AS requested_trigger',
};

/** Writes the rows of `after`, each with its attempt. The last attempt of a finished delivery is stored in the
 *  delivery's row. */
const WRITE: Record<Table, string> = {
  // A delivery with an attempt left, or a held one, stays; any other moves to finished_deliveries.
  pending_deliveries: `
staying AS (
  UPDATE pending_deliveries d SET
    status = a.status, status_reason = a.status_reason, attempt_count = a.attempt_count, failure_count = a.failure_count, due_at = a.due_at,
    requested_trigger = a.requested_trigger, leased_until = a.leased_until, completed_at = a.completed_at, last_outcome = a.outcome, last_trigger = a.trigger,
    last_status_code = a.status_code, last_duration_ms = a.duration_ms, last_attempt_at = a.started_at
  FROM after a WHERE ${lookUp('d.id', 'a.id')} AND NOT a.is_finished
),
leaving AS (
  DELETE FROM pending_deliveries d USING after a WHERE ${lookUp('d.id', 'a.id')} AND a.is_finished
),
finished AS (
  INSERT INTO finished_deliveries (${COLUMNS}, ${FINISHED_DETAILS.names})
  SELECT a.id, a.account_id, a.event_id, a.event_type, a.subscription_id, a.status, a.status_reason, a.attempt_count, a.failure_count,
    a.created_at, a.completed_at, a.replay_id, a.outcome, a.trigger, a.status_code, a.duration_ms, a.started_at, ${FINISHED_DETAILS.of('i')}
  FROM after a JOIN input i ON i.id = a.attempt_id WHERE a.is_finished
),
earlier AS (
  INSERT INTO earlier_attempts (account_id, subscription_id, delivery_id, trigger, is_late, ${namesOf(ATTEMPT_COLUMNS)})
  SELECT a.account_id, a.subscription_id, a.id, i.trigger, i.is_late, ${namesOf(ATTEMPT_COLUMNS, 'i')}
  FROM after a JOIN input i ON i.id = a.attempt_id WHERE NOT a.is_finished
)`,
  // The delivery was canceled, so its last attempt is not in its row. After a restored backup it may be.
  finished_deliveries: `
leaving AS (
  SELECT d.* FROM finished_deliveries d WHERE d.id = ANY (ARRAY(SELECT id FROM after))
),
kept AS (${KEEP_LAST_ATTEMPTS}
),
staying AS (
  UPDATE finished_deliveries d SET
    status = a.status, status_reason = a.status_reason, attempt_count = a.attempt_count, failure_count = a.failure_count,
    completed_at = a.completed_at, last_outcome = a.outcome, last_trigger = a.trigger,
    last_status_code = a.status_code, last_duration_ms = a.duration_ms, last_attempt_at = a.started_at,
    (${FINISHED_DETAILS.names}) = (${FINISHED_DETAILS.of('i')})
  FROM after a JOIN input i ON i.id = a.attempt_id WHERE ${lookUp('d.id', 'a.id')}
)`,
};

// The parts of the statement, in order. Each is one or more CTEs that read the earlier ones.

/** `input`: the attempts and what was decided. */
const READ_INPUT = `
input AS (
  SELECT * FROM ${unnest(INPUT, { alias: 'i', first: 2 })}
)`;

/** `before`: the current deliveries, locked. attempt_count is the fence: a second result with the same number
 *  changes nothing. */
const lockIn = (table: Table): string => `
before AS (
  SELECT d.id, d.account_id, d.event_id, d.event_type, d.subscription_id, d.status, d.status_reason, d.attempt_count, d.failure_count,
    d.created_at, d.completed_at, d.replay_id, ${PENDING_COLUMNS[table]},
    i.id AS attempt_id, i.decided, i.disables, i.url, i.wait_ms, i.spent, i.outcome, i.status_code, i.trigger, i.started_at, i.duration_ms,
    d.replay_id IS DISTINCT FROM i.replay_id AS is_back
  FROM input i JOIN ${table} d ON ${lookUp('d.id', 'i.delivery_id')}
  WHERE ${lookUp('d.attempt_count', 'i.number - 1')}
  ORDER BY i.delivery_id
  FOR UPDATE OF d
)`;

/** `result`, `moving`, `after`: the new state of the deliveries. It depends on the current status, not the loaded
 *  one: the delivery may have been held or canceled meanwhile. */
const FIND_RESULT = `
result AS (
  -- A 410 of a replaced URL does not apply to the new URL: retry there at once.
  SELECT b.*, CASE WHEN b.decided = 'gone' AND NOT s.is_same_url THEN 'retry' ELSE b.decided END AS next,
    b.disables AND s.is_same_url AS is_last, NOT s.is_direct AS is_left_to_dispatcher,
    s.is_strict
  FROM before b CROSS JOIN LATERAL (
    SELECT s.url = b.url AS is_same_url, s.rate_limit IS NULL AND ${isClosed('s')} AND ${HAS_FULL_CAPACITY} AND ${isUnordered('s')} AS is_direct,
      ${isStrict('s')} AS is_strict
    FROM subscriptions s WHERE ${lookUp('s.id', 'b.subscription_id')}
  ) s
)`;
const MOVE = `
moving AS (
  SELECT r.*,
    CASE
      WHEN next = 'succeeded' THEN 'succeeded'::delivery_status
      WHEN next = 'gone' AND status IN ('pending', 'held') THEN 'failed'
      WHEN next = 'failed' AND trigger <> 'manual' AND NOT is_back AND status IN ('pending', 'held') THEN 'failed'
      ELSE status
    END AS status_after,
    -- An attempt that a person requested keeps the schedule, and so does one that started before a replay.
    CASE WHEN trigger = 'manual' OR is_back THEN greatest(due_at, now()) ELSE now() + wait_ms * interval '1 millisecond' END AS due_after,
    -- A request made during a scheduled attempt stands unless that attempt succeeds, and so does an attempt that we
    -- aborted. A 410 drops the request of a replay.
    CASE WHEN trigger = 'auto' AND next <> 'succeeded' OR outcome = 'aborted'
      THEN CASE WHEN next = 'gone' THEN nullif(requested_trigger, 'replay') ELSE requested_trigger END
    END AS requested_after
  FROM result r
)`;
const FIND_AFTER = `
after AS (
  SELECT id, account_id, event_id, event_type, subscription_id, created_at, replay_id, status AS status_before, status_after AS status,
    CASE
      WHEN status_after = status THEN status_reason
      WHEN next = 'gone' THEN 'gone'
      WHEN status_after = 'failed' THEN 'exhausted'
    END AS status_reason,
    attempt_count + 1 AS attempt_count,
    failure_count + (spent AND NOT is_back)::int AS failure_count,
    CASE WHEN status_after = 'pending' THEN due_after END AS due_at,
    requested_after AS requested_trigger,
    CASE
      WHEN status_after <> 'pending' THEN CASE WHEN requested_after IS NOT NULL THEN now() + interval '1 second' END
      -- A manual attempt does not wait for the schedule. If it is due now it is enqueued now; a second job would be a
      -- second POST.
      WHEN requested_after IN ('manual', 'test') AND due_after > now() THEN now() + interval '1 second'
      -- The dispatcher enqueues the next attempt if the wait is too long for the queue, or if the subscription has a
      -- rate limit, a strict order or reduced capacity.
      WHEN is_left_to_dispatcher OR due_after > now() + interval '${LONGEST_QUEUED_WAIT_MS} milliseconds' THEN NULL
      ELSE due_after + interval '${LEASE_SECONDS} seconds'
    END AS leased_until,
    CASE
      WHEN status_after IN ('pending', 'held') THEN NULL
      WHEN status_after = status THEN completed_at
      ELSE now()
    END AS completed_at,
    status_after NOT IN ('pending', 'held') AND requested_after IS NULL AS is_finished,
    attempt_id, is_left_to_dispatcher, is_strict, next, spent, is_last, outcome, status_code, trigger, started_at, duration_ms
  FROM moving
)`;

const COUNT = `
counted AS (
  INSERT INTO stat_deltas (account_id, subscription_id, event_type, at, count, outcome, status_code, duration_bucket, ended)
  SELECT account_id, subscription_id, event_type, ${THIS_MINUTE}, count(*), outcome, status_code, ${DURATION_BUCKET}, ended
  FROM (SELECT *, CASE WHEN status <> status_before THEN status END AS ended FROM after) a
  GROUP BY account_id, subscription_id, event_type, outcome, status_code, ${DURATION_BUCKET}, ended
)`;

/** `verdict`: the combined result of each subscription's attempts. */
const JUDGE_SUBSCRIPTIONS = `
verdict AS (
  SELECT m.*, m.failed AND NOT m.succeeded AS is_bad FROM (
    SELECT subscription_id, array_agg(id) AS ids,
      bool_or(next = 'gone' OR is_last) AS gone,
      bool_or(next = 'succeeded') AS succeeded,
      bool_or(next = 'succeeded' AND trigger IN ('manual', 'test')) AS is_confirmed,
      coalesce(bool_and(duration_ms < ${QUICK_MS}) FILTER (WHERE next = 'succeeded'), false) AS quick,
      bool_or(next IN ('retry', 'failed') AND (spent OR next = 'failed')) AS failed,
      bool_or(next = 'failed') AS exhausted,
      coalesce(sum(${weightOf('outcome')}) FILTER (WHERE next IN ('retry', 'failed') AND (spent OR next = 'failed')), 0)::int AS weight
    FROM after GROUP BY subscription_id
  ) m
)`;

/** `standing`: the subscriptions that change. Locking them in order prevents deadlocks between two such statements.
 *  A row is written while the subscription fails, when it recovers and when its capacity changes; not for every
 *  delivery. */
const LOCK_SUBSCRIPTIONS = `
standing AS (
  SELECT s.*, v.gone, v.succeeded, v.is_confirmed, v.quick, v.is_bad,
    v.is_bad AND v.exhausted AND s.failing_since <= now() - $1 * interval '1 millisecond' AS is_given_up,
    v.weight, ${OPENS} AS opens,
    CASE
      WHEN v.succeeded THEN 0
      WHEN s.failing_since <= now() - $1 * interval '0.75 millisecond' THEN 75
      WHEN s.failing_since <= now() - $1 * interval '0.5 millisecond' THEN greatest(s.failing_warned, 50)
      ELSE s.failing_warned
    END AS warned_after
  FROM subscriptions s JOIN verdict v ON ${lookUp('s.id', 'v.subscription_id')}
  WHERE s.status IN ('active', 'paused') AND (
    v.gone OR v.is_bad
    OR v.succeeded AND (s.failing_since IS NOT NULL OR ${HAS_FAILURES})
    OR ${CAPACITY_GROWS}
  )
  ORDER BY v.subscription_id
  FOR NO KEY UPDATE OF s
)`;

const CHANGE_SUBSCRIPTIONS = `
subscription AS (
  UPDATE subscriptions s SET
    status = CASE WHEN v.gone OR v.is_given_up THEN 'disabled'::subscription_status ELSE s.status END,
    status_reason = CASE WHEN v.gone THEN 'gone' WHEN v.is_given_up THEN 'failing' ELSE s.status_reason END,
    status_changed_at = CASE WHEN v.gone OR v.is_given_up THEN now() ELSE s.status_changed_at END,
    failing_since = CASE WHEN v.succeeded THEN NULL WHEN v.is_bad OR v.gone THEN coalesce(s.failing_since, now()) ELSE s.failing_since END,
    failing_warned = v.warned_after,${SET_CIRCUIT},${SET_CAPACITY},${SET_OUTAGE}
  FROM standing v WHERE ${lookUp('s.id', 'v.id')}
  RETURNING s.id, s.account_id, s.status, s.status_reason, s.failing_since, s.failing_warned, v.failing_warned AS warned_before,
    v.failing_since AS failing_before, v.opens
),
unsettled AS (${unsettleAll(`SELECT id FROM subscription WHERE status = 'disabled' ORDER BY id`)}
),
recovered AS (${startCatchUps('standing')}
)`;

/** `awaited`: makes the dispatcher look at subscriptions with a strict order whose delivery has finished. For a
 *  delivery that stays, a trigger adds the entry. */
const DISPATCH_NEXT = `
awaited AS (
  INSERT INTO due_subscriptions (shard, due_at, subscription_id, account_id)
  SELECT DISTINCT posthorn_shard(account_id), now(), subscription_id, account_id FROM after WHERE is_strict AND is_finished
)`;

const NOTIFY_OPERATORS = `
notified AS (
  INSERT INTO operational_events (id, type, account_id, subscription_id, delivery_id, detail)
  SELECT posthorn_uuidv7(), 'delivery:failed', account_id, subscription_id, id, json_build_object(
    'reason', status_reason, 'attemptCount', attempt_count, 'outcome', outcome, 'statusCode', status_code)
  FROM after WHERE status = 'failed' AND status_before <> 'failed'
  UNION ALL
  SELECT posthorn_uuidv7(), 'subscription:disabled', account_id, id, NULL, json_build_object(
    'reason', status_reason, 'failingSince', failing_since)
  FROM subscription WHERE status = 'disabled'
  UNION ALL
  SELECT posthorn_uuidv7(), 'subscription:failing', account_id, id, NULL, json_build_object(
    'percent', failing_warned, 'failingSince', failing_since, 'isRepeated', warned_before > 0)
  FROM subscription WHERE status <> 'disabled' AND failing_warned > warned_before
  UNION ALL
  SELECT posthorn_uuidv7(), 'subscription:recovered', account_id, id, NULL, json_build_object('failingSince', failing_before)
  FROM subscription WHERE failing_warned < warned_before
)`;

const RESULT = `
SELECT a.id, a.status, (extract(epoch FROM a.due_at - now()) * 1000)::float8 AS "nextInMs", ${leaseOf('a.leased_until')} AS "leasedUntil", a.is_left_to_dispatcher AS "isLeftToDispatcher",
  CASE WHEN s.status = 'disabled' THEN s.status_reason END AS disabled, coalesce(s.opens, false) AS "circuitOpened",
  CASE WHEN a.is_strict AND a.is_finished THEN posthorn_shard(a.account_id) END AS "nextInShard"
FROM after a LEFT JOIN subscription s ON s.id = a.subscription_id`;

const recordIn = (table: Table): string =>
  `WITH ${[
    READ_INPUT,
    lockIn(table),
    FIND_RESULT,
    MOVE,
    FIND_AFTER,
    WRITE[table],
    COUNT,
    JUDGE_SUBSCRIPTIONS,
    LOCK_SUBSCRIPTIONS,
    CHANGE_SUBSCRIPTIONS,
    DISPATCH_NEXT,
    NOTIFY_OPERATORS,
  ].join(',')}${RESULT}`;

const RECORD: Record<Table, string> = {
  pending_deliveries: recordIn('pending_deliveries'),
  finished_deliveries: recordIn('finished_deliveries'),
};
/** Nearly all deliveries are in the first table. While a statement waits for a row, the delivery may move to the
 *  other table, so that the statement finds it in neither. The next statement looks for those that are missing. */
const SEARCH_ORDER: Table[] = ['pending_deliveries', 'finished_deliveries', 'pending_deliveries'];

/** Writes attempts and their effects on deliveries and subscriptions in one statement: all or none. Attempts of
 *  finished deliveries get a statement of their own. Returns one result per record, in order.
 *  If it disables a subscription, settle-step.ts cancels the pending deliveries. */
async function recordAttempts(
  pool: pg.Pool,
  records: AttemptRecord[],
  { failingAfterMs }: { failingAfterMs: number },
): Promise<(Recorded | null)[]> {
  const recorded = new Map<AttemptRecord, Recorded>();
  // Two results of one delivery belong to the same attempt: the first one counts.
  let left = [...new Map(records.toReversed().map((record) => [record.delivery.id, record])).values()];
  for (const table of SEARCH_ORDER) {
    if (left.length === 0) break;
    const { rows } = await pool.query<Recorded & { id: string }>({
      name: `record-${table}`,
      text: RECORD[table],
      values: [failingAfterMs, ...valuesOf(INPUT, left)],
    });
    const byId = new Map(rows.map(({ id, ...one }) => [id, one]));
    for (const record of left) {
      const one = byId.get(record.delivery.id);
      if (one) recorded.set(record, one);
    }
    left = left.filter((record) => !recorded.has(record));
  }
  return records.map((record) => recorded.get(record) ?? null);
}

/** Records one attempt per call; concurrent calls share a statement. `observe` gets the number of calls that shared
 *  it. */
export function openRecords(
  pool: pg.Pool,
  { failingAfterMs, observe }: { failingAfterMs: number; observe: (size: number) => void },
): Batch<AttemptRecord, Recorded | null> {
  const run = (records: AttemptRecord[]) => recordAttempts(pool, records, { failingAfterMs });
  return openBatch({ maxSize: 200, maxRuns: 2, run, observe });
}
