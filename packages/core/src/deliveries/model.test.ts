/* oxlint-disable unicorn/no-useless-spread -- so that a list of many short entries stands in few lines */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteAccount } from '../accounts/delete-account.js';
import type { AttemptTrigger, DeliveryStatus } from '../generated/prisma/client.js';
import { type Ledger, openLedger } from '../ledger.test-support.js';
import { LEASE_SECONDS } from '../events/insert-events.js';
import {
  ACTS,
  type Act,
  FINAL_ANSWERS,
  type Step,
  WAITS_MS,
  type World,
  openWorld,
  settle,
} from './model.test-support.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

interface Row {
  id: string;
  eventId: string;
  subscriptionId: string;
  subscription: 'active' | 'paused' | 'disabled' | 'holding' | 'unverified' | 'deleted';
  status: DeliveryStatus;
  statusReason: string | null;
  attemptCount: number;
  failureCount: number;
  askedTrigger: AttemptTrigger | null;
  isDue: boolean;
  isCompleted: boolean;
  /** How long after it is due, or after now, the feeder asks after it. */
  fedWithinSeconds: number | null;
  attempts: { number: number; trigger: AttemptTrigger; outcome: string; statusCode: number | null; digest: string }[];
}
type State = Map<string, Row>;

async function stateOf({ accountId }: World): Promise<State> {
  const { rows } = await ledger.db.pool.query<Row>(
    `SELECT d.id, d.event_id AS "eventId", d.subscription_id AS "subscriptionId",
       CASE WHEN s.deleted_at IS NOT NULL THEN 'deleted' WHEN s.status = 'disabled' AND s.holds_when_disabled THEN 'holding'
         ELSE s.status::text END AS subscription, d.status,
       d.status_reason AS "statusReason", d.attempt_count AS "attemptCount", d.failure_count AS "failureCount",
       d.asked_trigger AS "askedTrigger", d.due_at IS NOT NULL AS "isDue", d.completed_at IS NOT NULL AS "isCompleted",
       extract(epoch FROM d.feed_at - greatest(d.due_at, now()))::float8 AS "fedWithinSeconds",
       (SELECT coalesce(json_agg(json_build_object('number', a.number, 'trigger', a.trigger, 'outcome', a.outcome,
          'statusCode', a.status_code, 'digest', md5(a::text)) ORDER BY a.number), '[]')
        FROM attempts a WHERE a.delivery_id = d.id) AS attempts
     FROM deliveries d JOIN subscriptions s ON s.id = d.subscription_id WHERE d.account_id = $1 ORDER BY d.id`,
    [accountId],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

const REASONS: Record<DeliveryStatus, (string | null)[]> = {
  pending: [null],
  held: [null],
  succeeded: [null],
  failed: ['exhausted', 'gone'],
  canceled: ['subscription_disabled', 'subscription_deleted'],
};
/** One with a rate waits for its slot first. */
const SLOTS_AHEAD_SECONDS = 2;
const isSettled = (status: DeliveryStatus) => status === 'succeeded' || status === 'failed' || status === 'canceled';

/** What is true of a delivery whatever happened. */
function checkRow(row: Row, world: World): void {
  const { status, attempts, askedTrigger } = row;
  // What is pending is due, what is owed is in the feeder's index, what is settled has its time.
  expect(row.isDue, 'due').toBe(status === 'pending');
  expect(row.fedWithinSeconds !== null, 'with the feeder').toBe(status === 'pending' || askedTrigger !== null);
  expect(row.isCompleted, 'completed').toBe(isSettled(status));
  // And in its index within the lease: nothing waits unseen.
  expect(row.fedWithinSeconds ?? 0).toBeLessThanOrEqual(LEASE_SECONDS + SLOTS_AHEAD_SECONDS);
  expect(REASONS[status]).toContain(row.statusReason);
  expect(attempts.map(({ number }) => number)).toEqual(Array.from({ length: row.attemptCount }, (_, n) => n + 1));
  expect(status === 'succeeded').toBe(attempts.some(({ outcome }) => outcome === 'ok'));
  // Only a failure of the receiver's in a scheduled try spends a wait.
  const spending = attempts.filter(
    ({ trigger, outcome, statusCode }) =>
      trigger !== 'manual' && !['ok', 'aborted'].includes(outcome) && statusCode !== 410,
  );
  expect(row.failureCount).toBe(Math.min(WAITS_MS.length, spending.length));
  // Each attempt was one POST; what was POSTed beside them is what a crash or a race lost.
  const key = `${row.eventId} ${row.subscriptionId}`;
  expect(world.posted.get(key) ?? 0, 'POSTs').toBe(attempts.length + (world.lost.get(key) ?? 0));
}

/** What a step may do to a delivery, and nothing else. */
function checkStep(act: Act, before: Row, after: Row): void {
  if (before.status !== after.status) expect(act.moves ?? []).toContain(`${before.status}>${after.status}`);
  expect(after.attempts.slice(0, before.attempts.length), 'attempts never change').toEqual(before.attempts);
  const made = after.attempts.slice(before.attempts.length);
  if (!act.attempts) expect(made).toEqual([]);
  if (isSettled(before.status) && !act.finishes) expect(made.filter(({ trigger }) => trigger === 'auto')).toEqual([]);
}

function check(world: World, act: Act, before: State, after: State): void {
  for (const row of after.values()) checkRow(row, world);
  for (const [id, row] of before) checkStep(act, row, after.get(id) as Row);
  const deliveries = [...after.values()].map(({ eventId, subscriptionId }) => `${eventId} ${subscriptionId}`);
  const owed = [...world.owed].flatMap(([event, subscriptions]) => [...subscriptions].map((id) => `${event} ${id}`));
  expect(deliveries.toSorted(), 'what was accepted is owed, once').toEqual(owed.toSorted());
}

async function play(steps: Step[], answer: (typeof FINAL_ANSWERS)[number]): Promise<void> {
  const world = await openWorld(ledger);
  try {
    let before = await stateOf(world);
    const observe = async (act: Act) => {
      const after = await stateOf(world);
      check(world, act, before, after);
      before = after;
    };
    world.observe = observe;
    for (const step of steps) {
      const act = ACTS[step.act];
      if (!act) throw new Error(`no act ${step.act}`);
      const lostBefore = [...world.lost.values()].reduce((sum, n) => sum + n, 0);
      await act.run(world, step);
      await observe(act);
      if (!act.loses) expect([...world.lost.values()].reduce((sum, n) => sum + n, 0)).toBe(lostBefore);
    }
    const rounds = (before.size + 1) * (WAITS_MS.length + 3);
    await settle(world, {
      answer,
      rounds,
      each: () => observe(ACTS['work'] ?? { run: () => Promise.resolve() }),
    });
    for (const { status, askedTrigger, subscription } of (await stateOf(world)).values()) {
      expect(status, 'nothing is left undone').not.toBe('pending');
      expect(askedTrigger).toBeNull();
      if (status === 'held')
        expect(['paused', 'holding'], 'only a pause holds, and a disabling that was told to').toContain(subscription);
    }
  } finally {
    await deleteAccount(ledger, { id: world.accountId });
  }
}

// What happens most in life, most often, or nothing would get far; the rest at least now and then.
const OFTEN = [
  ...['publish', 'work', 'work', 'work', 'work', 'time passes', 'time passes', 'feed', 'feed', 'feed'],
  ...['something happens while a receiver has the request', 'the queue brings a job again'],
];
const step = fc.record({
  act: fc.constantFrom(...OFTEN, ...OFTEN, ...Object.keys(ACTS)),
  at: fc.nat(11),
  how: fc.nat(39),
});

describe('deliveries, whatever happens in whatever order', () => {
  it('keep to their states, lose nothing, POST no more than was lost, and come to an end', async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
      fc.constantFrom(...FINAL_ANSWERS),
      play,
    );
    await fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: 15_000, markInterruptAsFailure: false });
  }, 60_000);
});
const RUNS = 100;
