/* oxlint-disable unicorn/no-useless-spread -- keeps lists of many short entries compact */
import { toTypeId } from '@posthorn/contract';
import type { PostRequest } from '@posthorn/sender';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteAccount } from '../accounts/delete-account.js';
import type { Due } from '../deps.js';
import type { AttemptTrigger, DeliveryStatus } from '../generated/prisma/client.js';
import { FAILED, type Ledger, openLedger } from '../ledger.test-support.js';
import { LEASE_SECONDS } from '../deliveries/lease.js';
import { headOf, isInOrder } from '../deliveries/strict-order.js';
import {
  ACTIONS,
  FINAL_RESULTS,
  type Limits,
  SCHEDULES_MS,
  type Step,
  TO_ONE,
  type World,
  openWorld,
  settle,
} from './model.test-support.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

type SubscriptionState = 'active' | 'paused' | 'disabled' | 'holding' | 'unverified' | 'deleted';

interface Row {
  id: string;
  eventId: string;
  subscriptionId: string;
  subscription: SubscriptionState;
  status: DeliveryStatus;
  statusReason: string | null;
  attemptCount: number;
  failureCount: number;
  requestedTrigger: AttemptTrigger | null;
  isDue: boolean;
  isCompleted: boolean;
  /** The tables that contain a row of it. */
  tables: ('pending_deliveries' | 'finished_deliveries')[];
  /** Its id is in the range in which deliveries of its event are looked up. */
  isInRange: boolean;
  /** How many seconds after it is due, or from now, the dispatcher checks it. */
  dispatchedWithinSeconds: number | null;
  /** The dispatcher checks its subscription by then, once its circuit allows it, and within a second; in a strict
   *  order not before the head is due. */
  isChecked: boolean;
  attempts: { number: number; trigger: AttemptTrigger; outcome: string; statusCode: number | null; digest: string }[];
}
type State = Map<string, Row>;

/** The state that pending deliveries follow. */
const SUBSCRIPTION_STATE = `CASE WHEN s.deleted_at IS NOT NULL THEN 'deleted' WHEN s.status = 'disabled' AND s.holds_when_disabled THEN 'holding'
  ELSE s.status::text END`;

async function stateOf({ accountId }: World): Promise<State> {
  const { rows } = await ledger.db.pool.query<Row>(
    `SELECT d.id, d.event_id AS "eventId", d.subscription_id AS "subscriptionId",
       ${SUBSCRIPTION_STATE} AS subscription, d.status,
       d.status_reason AS "statusReason", d.attempt_count AS "attemptCount", d.failure_count AS "failureCount",
       d.requested_trigger AS "requestedTrigger", d.due_at IS NOT NULL AS "isDue", d.completed_at IS NOT NULL AS "isCompleted",
       ARRAY(SELECT 'pending_deliveries' FROM pending_deliveries p WHERE p.id = d.id
         UNION ALL SELECT 'finished_deliveries' FROM finished_deliveries f WHERE f.id = d.id) AS tables,
       d.id BETWEEN posthorn_first_delivery_id(d.event_id) AND posthorn_last_delivery_id(d.event_id) AS "isInRange",
       extract(epoch FROM greatest(d.leased_until, d.due_at) - greatest(d.due_at, now()))::float8 AS "dispatchedWithinSeconds",
       EXISTS (
         SELECT FROM due_subscriptions e WHERE e.subscription_id = d.subscription_id
           AND e.due_at <= greatest(coalesce(d.leased_until, d.due_at), s.circuit_open_until, now() + interval '1 second',
             CASE WHEN ${isInOrder('s')} THEN (SELECT coalesce(h.leased_until, h.due_at) FROM (${headOf('s.id')}) h) END)
       ) AS "isChecked",
       (SELECT coalesce(json_agg(json_build_object('number', a.number, 'trigger', a.trigger, 'outcome', a.outcome,
          'statusCode', a.status_code, 'digest', md5(a::text)) ORDER BY a.number), '[]')
        FROM attempts a WHERE a.delivery_id = d.id) AS attempts
     FROM deliveries d JOIN subscriptions s ON s.id = d.subscription_id WHERE d.account_id = $1 ORDER BY d.id`,
    [accountId],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Checks that a request may be sent now. Runs while the endpoint handles it; nothing has changed since it was loaded. */
async function checkPost({ id, attemptNumber }: Due, request: PostRequest): Promise<void> {
  const { rows } = await ledger.db.pool.query<{
    eventId: string;
    status: DeliveryStatus;
    attemptCount: number;
    requestedTrigger: AttemptTrigger | null;
    isDue: boolean;
    body: Buffer;
    subscription: SubscriptionState;
    url: string;
    isDeferredByCircuit: boolean;
  }>(
    `SELECT e.id AS "eventId", d.status, d.attempt_count AS "attemptCount", d.requested_trigger AS "requestedTrigger",
       d.due_at <= now() + interval '20 ms' AS "isDue", e.body, ${SUBSCRIPTION_STATE} AS subscription, s.url,
       s.circuit_open_until IS NOT NULL AND s.probe_id IS DISTINCT FROM d.id AS "isDeferredByCircuit"
     FROM deliveries d JOIN events e ON e.id = d.event_id JOIN subscriptions s ON s.id = d.subscription_id WHERE d.id = $1`,
    [id],
  );
  const [now] = rows;
  expect(attemptNumber, 'the next attempt').toBe((now?.attemptCount ?? 0) + 1);
  expect(now?.subscription).not.toBe('deleted');
  expect(request).toMatchObject({ url: now?.url, webhookId: toTypeId('evt', now?.eventId ?? ''), body: now?.body });
  if (now?.requestedTrigger === 'manual' || now?.requestedTrigger === 'test') return;
  expect(now).toMatchObject({ status: 'pending', subscription: 'active', isDue: true, isDeferredByCircuit: false });
}

const REASONS: Record<DeliveryStatus, (string | null)[]> = {
  pending: [null],
  held: [null],
  succeeded: [null],
  failed: ['exhausted', 'gone'],
  canceled: ['subscription_disabled', 'subscription_deleted'],
};
/** A subscription with a rate limit waits for its turn first. */
const SLOTS_AHEAD_SECONDS = 2;
const isSettled = (status: DeliveryStatus) => status === 'succeeded' || status === 'failed' || status === 'canceled';

/** Invariants of a delivery. */
function checkRow(row: Row, world: World): void {
  const { status, attempts, requestedTrigger } = row;
  // A pending delivery is due, an open one is in the dispatcher's index, and a finished one has a completion time.
  expect(row.isDue, 'due').toBe(status === 'pending');
  expect(row.dispatchedWithinSeconds !== null, 'with the dispatcher').toBe(
    status === 'pending' || requestedTrigger !== null,
  );
  expect(row.isCompleted, 'completed').toBe(isSettled(status));
  // Each delivery is in one table: open or held ones in the table that the dispatcher reads, all others in the other table.
  const isOpen = status === 'pending' || status === 'held' || requestedTrigger !== null;
  expect(row.tables, 'in one table').toEqual([isOpen ? 'pending_deliveries' : 'finished_deliveries']);
  expect(row.isInRange, 'found by its event').toBe(true);
  // It is in the index within the lease, and the dispatcher then checks its subscription.
  if (row.dispatchedWithinSeconds !== null) expect(row.isChecked, 'checked by the dispatcher').toBe(true);
  expect(row.dispatchedWithinSeconds ?? 0).toBeLessThanOrEqual(LEASE_SECONDS + SLOTS_AHEAD_SECONDS);
  expect(REASONS[status]).toContain(row.statusReason);
  expect(attempts.map(({ number }) => number)).toEqual(Array.from({ length: row.attemptCount }, (_, n) => n + 1));
  expect(status === 'succeeded').toBe(attempts.some(({ outcome }) => outcome === 'ok'));
  if (requestedTrigger === 'replay') expect(status, 'a pause holds the request of a replay').toBe('pending');
  // Only a failure of the endpoint in a scheduled attempt uses up a wait. A catch-up restores one, a replay all of them.
  const spending = attempts
    .slice(world.attemptsBeforeReplay.get(row.id) ?? 0)
    .filter(
      ({ trigger, outcome, statusCode }) =>
        trigger !== 'manual' && !['ok', 'aborted'].includes(outcome) && statusCode !== 410,
    );
  const used = spending.length - (world.waitsBack.get(row.id) ?? 0);
  expect(row.failureCount, 'used waits').toBe(Math.min(world.waitsMs.length, used));
  // Each attempt made one POST; crashes and races account for the other POSTs.
  const key = `${row.eventId} ${row.subscriptionId}`;
  expect(world.posted.get(key) ?? 0, 'POSTs').toBe(attempts.length + (world.lost.get(key) ?? 0));
}

/** Checks that a step changed only what it may change. */
function checkStep(action: Limits, before: Row, after: Row): void {
  expect(after.attempts.slice(0, before.attempts.length), 'attempts never change').toEqual(before.attempts);
  const made = after.attempts.slice(before.attempts.length);
  if (!action.attempts) expect(made).toEqual([]);
  if (isSettled(before.status) && !action.finishes)
    expect(made.filter(({ trigger }) => trigger === 'auto')).toEqual([]);
  if (before.subscription !== after.subscription)
    expect(action.subscriptionChanges ?? []).toContain(`${before.subscription}>${after.subscription}`);

  const isMoved = before.status !== after.status;
  if (isMoved) {
    expect(action.deliveryChanges ?? []).toContain(`${before.status}>${after.status}`);
    checkMove(after, made);
  }
  if (after.requestedTrigger !== null && after.requestedTrigger !== before.requestedTrigger)
    expect(after.requestedTrigger, 'the requested trigger').toBe(action.requests);
  const isGivenUp = after.subscription === 'deleted' || (isMoved && after.status === 'canceled');
  if (before.requestedTrigger !== null && before.requestedTrigger !== 'replay' && after.requestedTrigger === null)
    expect(made.length > 0 || isGivenUp, 'a request of a person stays until its attempt').toBe(true);
}

/** Checks how a delivery got into its status. */
function checkMove({ status, statusReason, subscription, requestedTrigger }: Row, made: Row['attempts']): void {
  switch (status) {
    case 'pending':
      expect(subscription).toBe('active');
      break;
    case 'held':
      expect(['paused', 'holding']).toContain(subscription);
      break;
    case 'succeeded':
      expect(made.at(-1)).toMatchObject({ outcome: 'ok' });
      break;
    case 'failed':
      expect(made.length, 'an attempt failed').toBeGreaterThan(0);
      expect(statusReason).toBe(made.at(-1)?.statusCode === 410 ? 'gone' : 'exhausted');
      break;
    case 'canceled':
      expect(['disabled', 'deleted']).toContain(subscription);
      expect(statusReason).toBe(`subscription_${subscription}`);
      expect(requestedTrigger, 'a canceled delivery has no requested attempt').toBeNull();
      break;
    default:
      status satisfies never;
  }
}

/** What holds for deliveries that have followed the state of their subscription. */
const FOLLOWS: Record<SubscriptionState, (row: Row) => boolean> = {
  active: ({ status }) => status !== 'held',
  paused: ({ status }) => status !== 'pending',
  holding: ({ status }) => status !== 'pending',
  disabled: ({ status }) => status !== 'pending' && status !== 'held',
  deleted: ({ status, requestedTrigger }) => status !== 'pending' && status !== 'held' && requestedTrigger === null,
  unverified: () => false,
};

function check(world: World, action: Limits, before: State, after: State): void {
  for (const row of after.values()) checkRow(row, world);
  for (const [id, row] of before) checkStep(action, row, after.get(id) as Row);
  const { followed } = world;
  world.followed = null;
  for (const row of after.values()) {
    if (row.subscriptionId === followed)
      expect(row).toSatisfy(FOLLOWS[row.subscription], 'it followed its subscription');
    if (followed === 'every' && row.status === 'held') expect(['paused', 'holding']).toContain(row.subscription);
  }
  const deliveries = [...after.values()].map(({ eventId, subscriptionId }) => `${eventId} ${subscriptionId}`);
  const expected = [...world.expected].flatMap(([event, subscriptions]) =>
    [...subscriptions].map((id) => `${event} ${id}`),
  );
  expect(deliveries.toSorted(), 'one delivery per accepted event and subscription').toEqual(expected.toSorted());
}

const sum = (counts: Map<string, number>): number => [...counts.values()].reduce((total, n) => total + n, 0);

async function play(
  steps: Step[],
  result: (typeof FINAL_RESULTS)[number],
  waitsMs: (typeof SCHEDULES_MS)[number],
): Promise<void> {
  const world = await openWorld(ledger, waitsMs);
  try {
    let before = await stateOf(world);
    world.observe = async (action: Limits) => {
      const after = await stateOf(world);
      check(world, action, before, after);
      before = after;
    };
    world.posting = checkPost;
    for (const step of steps) {
      const action = ACTIONS[step.action];
      if (!action) throw new Error(`no action ${step.action}`);
      const lost = sum(world.lost);
      await action.run(world, step);
      await world.observe(action);
      expect(sum(world.lost) - lost, 'results lost').toBeLessThanOrEqual(action.mayLoseResult ? 1 : 0);
    }
    // Each may go through its schedule, and once more when a running replay sends it again.
    const most = (world.expected.size + 1) * world.subscriptionOf.size;
    await settle(world, { result, rounds: 2 * most * (waitsMs.length + 3) });
    for (const { status, requestedTrigger, subscription } of (await stateOf(world)).values()) {
      expect(status, 'nothing stays pending').not.toBe('pending');
      expect(requestedTrigger).toBeNull();
      if (status === 'held')
        expect(['paused', 'holding'], 'only a pause, or disabling with hold, holds deliveries').toContain(subscription);
    }
  } finally {
    await deleteAccount(ledger, { id: world.accountId });
    await ledger.erase();
  }
}

// Frequent actions in practice come up often, so that runs get far; all others come up sometimes.
const OFTEN = [
  ...['publish', 'work', 'work', 'work', 'work', 'time passes', 'time passes', 'dispatch', 'dispatch', 'dispatch'],
  ...['something happens while an endpoint has the request', 'the queue delivers a job again'],
  ...['all endpoints are down for hours', 'it is replayed while an endpoint has the request'],
];
const NAMES = [...OFTEN, ...OFTEN, ...Object.keys(ACTIONS)];
const choice = { at: fc.nat(11), how: fc.nat(39) };
/** One action, or a few with the same choices, which therefore meet at one subscription. */
const steps = fc.oneof(
  fc.record({ action: fc.constantFrom(...NAMES), ...choice }).map((step) => [step]),
  fc
    .record({ actions: fc.array(fc.constantFrom(...TO_ONE, ...OFTEN), { minLength: 2, maxLength: 5 }), ...choice })
    .map(({ actions, at, how }) => actions.map((action) => ({ action, at, how }))),
);

/** Sequences that random choice seldom produces; each run includes them. */
const step = (action: string, how: number, at = 0): Step => ({ action, at, how });
const times = (count: number, repeated: Step): Step[] => Array.from({ length: count }, () => repeated);
const MEANWHILE = 'it is replayed while an endpoint has the request';
/** Both circuits are half-open, each subscription has a due delivery, and the retry of the previous probe is due
 *  soon. */
const TIMES_OUT = step('work', 3, 1);
const HALF_OPEN: Step[] = [
  ...[...times(3, step('publish', 0)), ...times(6, TIMES_OUT), ...times(2, step('time passes', 1))],
  ...[step('publish', 0), step('dispatch', 0), ...times(2, TIMES_OUT), ...times(4, step('time passes', 1))],
  ...[step('publish', 0), step('dispatch', 0), ...times(2, TIMES_OUT)],
];
/** The head fails and waits; a retry of another one is requested, and the ordering changes meanwhile. */
const ORDER = 'keep a strict order, or do not';
const IN_ORDER: Step[] = [
  ...[
    step(ORDER, 1),
    step(ORDER, 1, 1),
    ...times(4, step('publish', 0)),
    step('dispatch', 0),
    step('work', 1, 1),
    step('work', 2, 1),
  ],
  ...[
    step('request a retry', 1, 5),
    step('publish', 0),
    ...times(3, step('time passes', 1)),
    step('dispatch', 0),
    step('work', 1, 1),
  ],
  ...[
    step(ORDER, 0),
    step('dispatch', 0),
    step('work', 1, 1),
    step(ORDER, 1),
    step('the queue delivers a job again', 0),
  ],
  ...[step('all endpoints are down for hours', 0), step('replay', 2), step(MEANWHILE, 1), step('work', 0, 1)],
];
/** The endpoints work again after hours; one fails again during the catch-up. */
const RECOVERED: Step[] = [
  ...[...times(4, step('publish', 0)), step('all endpoints are down for hours', 0), step('publish', 0)],
  ...[step('dispatch', 0), ...times(2, step('work', 0, 1)), step('catch up', 0), step('dispatch', 0)],
  ...[step('work', 1, 1), step('work', 0, 1), step('catch up', 0), step('the queue delivers a job again', 0)],
  ...[step('time passes', 0), step('catch up', 0), step('dispatch', 0), ...times(3, step('work', 0, 1))],
];
const EXAMPLES: [Step[], (typeof FINAL_RESULTS)[number], (typeof SCHEDULES_MS)[number]][] = [
  [[step('publish', 0), step(MEANWHILE, 1)], {}, []], // 500, no wait left
  [[step('publish', 0), step(MEANWHILE, 1)], {}, [5_000]], // 500
  [[step('publish', 0), step(MEANWHILE, 8)], {}, [5_000]], // 410
  [[step('publish', 0), step('all endpoints are down for hours', 0), step('replay', 2)], FAILED, [5_000]],
  [HALF_OPEN, {}, [55_000, 3_500_000]],
  [HALF_OPEN, {}, [3_700_000, 5_000]],
  [RECOVERED, {}, [55_000, 3_500_000]],
  [RECOVERED, FAILED, [3_700_000, 5_000]],
  [[step(ORDER, 1), step(ORDER, 1, 1), ...RECOVERED], {}, [5_000, 3_700_000]],
  [IN_ORDER, {}, [5_000]],
  [IN_ORDER, FAILED, [55_000, 3_500_000]],
  [[step(ORDER, 1), step(ORDER, 1, 1), ...HALF_OPEN], {}, [55_000, 3_500_000]],
];

describe('deliveries, for any sequence of events', () => {
  it('follow their states, are never lost, make no more POSTs than crashes explain, and finish', async () => {
    const property = fc.asyncProperty(
      fc.array(steps, { minLength: 1, maxLength: 25, size: 'max' }).map((some) => some.flat()),
      fc.constantFrom(...FINAL_RESULTS),
      fc.constantFrom(...SCHEDULES_MS),
      play,
    );
    await fc.assert(property, { examples: EXAMPLES, numRuns: RUNS });
  });
});
const RUNS = 20;
