/* oxlint-disable unicorn/no-useless-spread -- keeps lists of many short entries compact */
import { toUuid } from '@posthorn/contract';
import type { PostRequest, PostResult } from '@posthorn/sender';
import { expect } from 'vitest';
import type { Due, QueueName } from '../deps.js';
import { freezeEvent } from '../publish/freeze-event.js';
import { openPublisher } from '../publish/publisher.js';
import { catchUp } from '../dispatch/catch-up.js';
import { type Round, dispatch, dispatchVerifications } from '../dispatch/dispatch.js';
import { reclaim } from '../dispatch/reclaim.js';
import {
  FAILED,
  GONE,
  type Ledger,
  challengeOf,
  changesPending,
  interpose,
  isRecord,
  settleAccount,
  silent,
  ONE_SECOND,
} from '../ledger.test-support.js';
import { headOf, isInOrder } from '../deliveries/strict-order.js';
import type { AttemptTrigger, DeliveryStatus, ReplayStatus } from '../generated/prisma/client.js';
import { makeRetryWhileUnavailable } from '../database-away.js';
import { advanceReplays } from '../replays/advance-replays.js';
import { cancelReplay } from '../replays/cancel-replay.js';
import { findReplay } from '../replays/replay.js';
import { replayOf } from '../replays/replay-of.test-support.js';
import { type WantedReplay, startReplay } from '../replays/start-replay.js';
import { changeSubscription } from '../subscriptions/change-subscription.js';
import { deleteSubscription } from '../subscriptions/delete-subscription.js';
import { disableSubscription } from '../subscriptions/disable-subscription.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { resumeSubscription } from '../subscriptions/resume-subscription.js';
import { sendTest } from '../subscriptions/send-test.js';
import { openVerifier } from '../verifications/attempt-verification.js';
import { requestRetry, requestRetryOfJob } from './request-retry.js';
import type { AttemptEnd, AttemptOptions } from './attempt-delivery.js';

/** Waits within a minute, within the hour that a retry may sleep in the queue, and beyond it. */
export const SCHEDULES_MS: readonly (readonly number[])[] = [
  [],
  [5_000],
  [55_000, 3_500_000],
  [5_000, 3_700_000],
  [3_700_000, 5_000],
];
const FAILING_AFTER_MS = 90_000_000;

/** The next action, with two numbers for its choices. */
export interface Step {
  action: string;
  at: number;
  how: number;
}

/** What an action may do. */
export interface Limits {
  /** The status changes of deliveries that it may make, `from>to`. */
  deliveryChanges?: readonly string[];
  /** The status changes of subscriptions that it may make. */
  subscriptionChanges?: readonly string[];
  /** The trigger of an attempt that it may request. */
  requests?: AttemptTrigger;
  /** It may make attempts. */
  attempts?: true;
  /** It ends attempts that were in flight before; a delivery that is settled meanwhile may get one more. */
  finishes?: true;
  /** It may POST once and lose the result. */
  mayLoseResult?: true;
}

export interface Action extends Limits {
  run(world: World, step: Step): Promise<void>;
}

/** One account, its deliveries, the queue with their jobs, and what the model knows about them. */
export interface World {
  ledger: Ledger;
  accountId: string;
  waitsMs: readonly number[];
  subscriptions: { id: string; events: string[] }[];
  /** All published events, without tests. */
  published: { id: string; type: string; createdAt: Date }[];
  /** The subscriptions that must get each accepted event. */
  expected: Map<string, Set<string>>;
  /** The subscription whose change has just been completed: its deliveries have followed. `every`: held deliveries
   *  of all have. */
  followed: string | null;
  /** How many attempts, including one in flight, a delivery had when its schedule started over. */
  attemptsBeforeReplay: Map<string, number>;
  /** How many waits of its schedule a delivery got back, because its next attempt became due early. */
  waitsBack: Map<string, number>;
  inFlight: Set<string>;
  /** Jobs that ran. A queue may deliver each of them again. */
  handled: (Due & { queue: QueueName })[];
  /** Called within a step, after an inner action. */
  observe(limits: Limits): Promise<void>;
  /** Called when an endpoint gets a request, before it responds. */
  posting(job: Due, request: PostRequest): Promise<void>;
  /** POSTs by event and subscription, and those whose result never reached the ledger. */
  posted: Map<string, number>;
  lost: Map<string, number>;
  subscriptionOf: Map<string, string>;
}

export async function openWorld(ledger: Ledger, waitsMs: readonly number[]): Promise<World> {
  ledger.jobs.length = 0;
  ledger.setQueue(true);
  const world: World = {
    ledger,
    accountId: await ledger.account(),
    waitsMs,
    subscriptions: [],
    published: [],
    expected: new Map(),
    followed: null,
    attemptsBeforeReplay: new Map(),

    waitsBack: new Map(),
    inFlight: new Set(),
    handled: [],
    observe: () => Promise.resolve(),
    posting: () => Promise.resolve(),
    posted: new Map(),
    lost: new Map(),
    subscriptionOf: new Map(),
  };
  await subscribe(world, []);
  await subscribe(world, ['message:created']);
  return world;
}

async function subscribe(world: World, events: string[]): Promise<void> {
  const url = `https://endpoint-${world.subscriptionOf.size}.example.com/`;
  const kept = world.ledger.jobs.splice(0);
  const { id } = await world.ledger.activeSubscription(world.accountId, { url, events });
  world.ledger.jobs.push(...kept);
  world.subscriptions.push({ id, events });
  world.subscriptionOf.set(url, id);
}

const RESULTS: Partial<PostResult>[] = [
  {},
  FAILED,
  FAILED,
  { outcome: 'timeout', statusCode: null },
  { outcome: 'timeout', statusCode: null },
  { outcome: 'http_error', statusCode: 429, retryAfter: '7200' },
  { outcome: 'http_error', statusCode: 503, retryAfter: '3600' },
  { outcome: 'aborted', statusCode: null },
  GONE,
];
const pick = <T>(from: readonly T[], at: number): T | undefined => from[at % from.length];
const keyOf = (request: PostRequest, world: World): string =>
  `${toUuid('evt', request.webhookId)} ${world.subscriptionOf.get(request.url)}`;
const count = (counts: Map<string, number>, key: string): unknown => counts.set(key, (counts.get(key) ?? 0) + 1);
const { signal } = new AbortController();

/** Runs a job like a worker. `respond` returns the result of the POST, or a promise of it. */
async function attempt(
  world: World,
  job: Due & { queue: QueueName },
  respond: (request: PostRequest) => Partial<PostResult> | Promise<Partial<PostResult>>,
  options: Partial<AttemptOptions> = {},
): Promise<AttemptEnd | null> {
  const { ledger } = world;
  if (job.queue === 'verify') {
    await openVerifier({ ...ledger, post: echo, log: silent, retryWhileUnavailable, retries: ONE_SECOND }).attempt(
      job,
      signal,
    );
    return null;
  }
  let key: string | null = null;
  const post = async (request: PostRequest): Promise<PostResult> => {
    await world.posting(job, request);
    world.inFlight.add(job.id);
    const result = { ...OK, startedAt: new Date(), ...(await respond(request)) };
    world.inFlight.delete(job.id);
    key = keyOf(request, world);
    count(world.posted, key);
    return result;
  };
  const worker = ledger.attempter({ post, waitsMs: world.waitsMs, failingAfterMs: FAILING_AFTER_MS, ...options });
  const end = await worker.attempt(job, signal).catch((error: unknown) => {
    if (error !== CRASH) throw error;
    return null;
  });
  await worker.drain();
  // oxlint-disable-next-line typescript/no-unnecessary-condition -- `post` sets it
  if (key !== null && end?.end !== 'attempted' && options.enqueue === undefined) count(world.lost, key);
  if (end?.end === 'early') ledger.jobs.push({ ...job, delayMs: end.inMs });
  else world.handled.push(job);
  return end;
}

/** Like attempt, suspended while the endpoint has the request and has not responded. */
function begin(world: World, job: Due & { queue: QueueName }, result: Partial<PostResult>) {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let arrive = () => {};
  let url = '';
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const ended = attempt(world, job, async (request) => {
    ({ url } = request);
    arrive();
    await released;
    return result;
  });
  return {
    reached: Promise.race([arrived, ended]),
    subscriptionId: () => world.subscriptionOf.get(url),
    async finish() {
      release();
      await ended;
    },
  };
}

const CRASH = new Error('the process crashed here');
const crashes = () => Promise.reject(CRASH);
const retryWhileUnavailable = makeRetryWhileUnavailable({ log: silent });
const takeDue = ({ ledger: { jobs } }: World) => {
  const index = jobs.findIndex(({ delayMs = 0 }) => delayMs <= 0);
  return index === -1 ? undefined : jobs.splice(index, 1)[0];
};
/** Mostly a due job, but a queue may be early. */
const take = (world: World, at: number) =>
  (at % 4 === 0 ? undefined : takeDue(world)) ?? world.ledger.jobs.splice(at % (world.ledger.jobs.length || 1), 1)[0];

/** Runs a verb in a process that crashes between the verb's commit and the next step. */
async function cutShort(world: World, verb: (ledger: Ledger) => Promise<unknown>): Promise<void> {
  const db = interpose(world.ledger.db, (statement, run) => (changesPending(statement) ? crashes() : run()));
  await verb({ ...world.ledger, db, enqueue: crashes }).catch((error: unknown) => {
    if (error !== CRASH) throw error;
  });
}

async function publish(world: World, { how }: Step, ledger: Ledger): Promise<void> {
  const type = how % 2 === 0 ? 'message:created' : 'conversation:created';
  const { rows } = await ledger.db.pool.query<{ id: string }>(
    `SELECT id FROM subscriptions WHERE account_id = $1 AND deleted_at IS NULL AND status IN ('active', 'paused')`,
    [world.accountId],
  );
  const matching = world.subscriptions.filter(
    ({ id, events }) => rows.some((row) => row.id === id) && (events.length === 0 || events.includes(type)),
  );
  const frozen = freezeEvent(Buffer.from(`{"event":"${type}","payload":{}}`));
  if (!frozen.ok) throw new Error(frozen.message);
  const publisher = openPublisher(ledger);
  const result = await publisher.publish({ accountId: world.accountId, frozen: frozen.frozen, idempotencyKey: null });
  await publisher.drain();
  if (result.outcome !== 'accepted') throw new Error(result.outcome);
  world.expected.set(result.event.id, new Set(matching.map(({ id }) => id)));
  world.published.push({ id: result.event.id, type, createdAt: result.event.createdAt });
}

/** A replay of one subscription. */
type OneWanted = Pick<WantedReplay, 'which' | 'since' | 'until'> & { subscriptionId: string };

const toWanted = ({ accountId }: World, wanted: OneWanted): WantedReplay => replayOf({ accountId, ...wanted });

async function wantedReplay(world: World, { at, how }: Step): Promise<OneWanted> {
  // Everything, or the events before or after one of them.
  const middle = pick(world.published, at)?.createdAt ?? new Date();
  const wanted: OneWanted = {
    subscriptionId: of(world, at).id,
    which: how % 2 === 0 ? 'failed' : 'missed',
    since: how % 10 === 0 ? middle : new Date(0),
    until: how % 7 === 0 ? middle : new Date(Date.now() + 60_000),
  };
  // Prefers a subscription that lacks something.
  const receiving = await world.ledger.db.prisma.subscription.findMany({
    where: { accountId: world.accountId, deletedAt: null, status: { in: ['active', 'paused'] } },
    orderBy: { id: 'asc' },
  });
  const first = receiving.filter(({ id }) => id === wanted.subscriptionId);
  for (const { id } of [...first, ...receiving]) {
    if ((await replayable(world, { ...wanted, subscriptionId: id })).length > 0)
      return { ...wanted, subscriptionId: id };
  }
  return wanted;
}

/** The events that such a replay should send again, according to the model. */
async function replayable(world: World, { subscriptionId, which, since, until }: OneWanted): Promise<string[]> {
  if (which === 'failed') {
    const { rows } = await world.ledger.db.pool.query<{ id: string }>(
      `SELECT event_id AS id FROM deliveries WHERE subscription_id = $1 AND status IN ('failed', 'canceled')
         AND created_at >= $2 AND created_at < $3`,
      [subscriptionId, since, until],
    );
    return rows.map(({ id }) => id);
  }
  const wanted = world.subscriptions.find(({ id }) => id === subscriptionId)?.events ?? [];
  return world.published
    .filter(({ type }) => wanted.length === 0 || wanted.includes(type))
    .filter(({ createdAt }) => createdAt >= since && createdAt < until)
    .filter(({ id }) => !world.expected.get(id)?.has(subscriptionId))
    .map(({ id }) => id);
}

interface Replayed {
  id: string;
  eventId: string;
  status: DeliveryStatus;
  attemptCount: number;
  requestedTrigger: AttemptTrigger | null;
}

/** Makes one step of each running replay with `workers` at once. Returns how many are still running. */
async function advance(world: World, { atOnce, workers }: { atOnce: number; workers: number }): Promise<number> {
  const { prisma, pool } = world.ledger.db;
  const rows = await prisma.replay.findMany({ where: { accountId: world.accountId, status: 'running' } });
  const running = await Promise.all(
    rows.map(async (row) => {
      const [subscriptionId = ''] = row.subscriptionIds;
      const subscription = await prisma.subscription.findUniqueOrThrow({ where: { id: subscriptionId } });
      return { ...row, subscriptionId, subscription };
    }),
  );
  if (running.length === 0) return 0;
  const before = new Map<string, string[]>();
  for (const replay of running) {
    // Deliveries of an earlier step may have failed or been canceled again: a replay does not repeat them.
    const replayed = await prisma.delivery.findMany({ where: { replayId: replay.id }, select: { eventId: true } });
    const done = new Set(replayed.map(({ eventId }) => eventId));
    before.set(
      replay.id,
      (await replayable(world, replay)).filter((eventId) => !done.has(eventId)),
    );
  }
  await Promise.all(Array.from({ length: workers }, () => advanceReplays(world.ledger.db, { atOnce })));
  let left = 0;
  for (const { id, subscription, queued, ...replay } of running) {
    const now = await prisma.replay.findUniqueOrThrow({ where: { id } });
    if (now.status === 'running') left += 1;
    const { rows: replayed } = await pool.query<Replayed>(
      `SELECT id, event_id AS "eventId", status, attempt_count AS "attemptCount", requested_trigger AS "requestedTrigger" FROM deliveries
       WHERE replay_id = $1 AND subscription_id = $2 AND event_id = ANY ($3::uuid[])`,
      [id, subscription.id, before.get(id)],
    );
    const receives = subscription.deletedAt === null && ['active', 'paused'].includes(subscription.status);
    if (!receives)
      expect([now.status, replayed.length], 'it ends if the subscription receives nothing').toEqual(['canceled', 0]);
    expect(now.queued - queued, 'the number of replayed deliveries').toBe(replayed.length);
    expect(replayed.length).toBeLessThanOrEqual(atOnce * workers);
    for (const { status, requestedTrigger } of replayed) {
      expect(status).toBe(subscription.status === 'paused' ? 'held' : 'pending');
      if (status === 'pending') expect(requestedTrigger, 'an attempt is requested').not.toBeNull();
    }
    for (const { id: deliveryId, eventId, attemptCount } of replayed) {
      world.expected.get(eventId)?.add(subscription.id);
      world.attemptsBeforeReplay.set(deliveryId, attemptCount + Number(world.inFlight.has(deliveryId)));
      world.waitsBack.delete(deliveryId);
    }
    if (now.status !== 'running' && now.status !== 'canceled' && replay.which === 'missed')
      expect(await replayable(world, replay), 'nothing is left to replay').toEqual([]);
  }
  return left;
}

interface Waiting {
  id: string;
  failureCount: number;
  isEarly: boolean;
  /** The row without what a catch-up changes. */
  rest: string;
}

/** Makes steps of the account's catch-ups until none is due. Returns how many deliveries became due. */
async function catchUpAll(world: World): Promise<number> {
  const read = async () => {
    const { rows } = await world.ledger.db.pool.query<Waiting>(
      `SELECT id, failure_count AS "failureCount", coalesce(due_at > now() + interval '5 seconds', false) AS "isEarly",
         md5((to_jsonb(d) - '{due_at,leased_until,failure_count}'::text[])::text) AS rest
       FROM pending_deliveries d WHERE account_id = $1`,
      [world.accountId],
    );
    return new Map(rows.map((row) => [row.id, row]));
  };
  let sum = 0;
  for (let scanned = 1; scanned > 0;) {
    const before = await read();
    const step = await catchUp(world.ledger.db.pool);
    ({ scanned } = step);
    sum += step.count;
    let changed = 0;
    for (const [id, after] of await read()) {
      const was = before.get(id);
      expect(after.rest, 'only the times and the waits change').toBe(was?.rest);
      if (!was?.isEarly || after.isEarly) continue;
      changed += 1;
      expect(after.failureCount).toBe(Math.max(0, was.failureCount - 1));
      world.waitsBack.set(id, (world.waitsBack.get(id) ?? 0) + was.failureCount - after.failureCount);
    }
    expect(changed, 'deliveries that became due').toBe(step.count);
  }
  return sum;
}

const CANCELS = ['pending>canceled', 'held>canceled'];
/** Pending deliveries follow the state of their subscription. */
const SETTLES = ['pending>held', ...CANCELS];
const ENDS = [
  ...['pending>succeeded', 'pending>failed', 'held>succeeded', 'held>failed'],
  ...['failed>succeeded', 'canceled>succeeded'],
];
const receiving = (...to: string[]) => ['active', 'paused'].flatMap((from) => to.map((one) => `${from}>${one}`));
const WORKING: Limits = {
  deliveryChanges: [...ENDS, ...SETTLES],
  subscriptionChanges: receiving('disabled'),
  attempts: true,
};
const REPLAYING: Limits = {
  deliveryChanges: ['failed>pending', 'failed>held', 'canceled>pending', 'canceled>held'],
  requests: 'replay',
};
const SETTLING: Limits = { deliveryChanges: ['held>pending', ...SETTLES] };
const RESUMES = ['paused>active', 'disabled>active', 'holding>active'];
const DELETES = ['active>deleted', 'paused>deleted', 'disabled>deleted', 'holding>deleted', 'unverified>deleted'];
const of = (world: World, at: number) => ({
  accountId: world.accountId,
  id: pick(world.subscriptions, at)?.id ?? '',
});
/** A change of a subscription, including its settlement. */
async function change(
  world: World,
  at: number,
  verb: (key: ReturnType<typeof of>) => Promise<{ outcome: string }>,
): Promise<void> {
  const key = of(world, at);
  const { outcome } = await verb(key);
  if (outcome === 'done' || outcome === 'deleted') world.followed = key.id;
  if (outcome === 'deleted' && world.subscriptions.length > 1)
    world.subscriptions = world.subscriptions.filter(({ id }) => id !== key.id);
}
async function anyDelivery(world: World, at: number): Promise<string | undefined> {
  const rows = await world.ledger.db.prisma.delivery.findMany({
    where: { accountId: world.accountId },
    select: { id: true },
    orderBy: { id: 'asc' },
  });
  return pick(rows, at)?.id;
}

/** Actions of people and faults from outside, also while an endpoint has a request. */
const OUTSIDE: Record<string, Action> = {
  publish: { run: (world, step) => publish(world, step, world.ledger) },
  'publish, and the API crashes before it enqueues': {
    run: (world, step) => publish(world, step, { ...world.ledger, enqueue: () => Promise.resolve(true) }),
  },
  'publish, and the queue is down': {
    run: (world, step) => publish(world, step, { ...world.ledger, enqueue: () => Promise.resolve(false) }),
  },
  'send a test': {
    async run(world, { at }) {
      const frozen = freezeEvent(Buffer.from('{"event":"message:created","payload":{}}'));
      if (!frozen.ok) throw new Error(frozen.message);
      const key = of(world, at);
      const sent = await sendTest(world.ledger, { ...key, frozen: frozen.frozen });
      if (sent.outcome === 'sent') world.expected.set(sent.eventId, new Set([key.id]));
    },
  },
  'request a retry': {
    requests: 'manual',
    async run(world, { at, how }) {
      const id = await anyDelivery(world, at);
      const enqueue = how % 4 === 0 ? () => Promise.resolve(false) : world.ledger.enqueue;
      if (id) await requestRetry({ ...world.ledger, enqueue }, { accountId: world.accountId, id });
    },
  },
  'retry a job on the board': {
    requests: 'manual',
    ...WORKING,
    async run(world, { at, how }) {
      const job = pick(world.handled, at);
      // If an attempt is in flight, this requests that attempt itself.
      if (!job || job.queue === 'verify' || world.inFlight.has(job.id)) return;
      const requested = await requestRetryOfJob(world.ledger, job);
      if (requested.outcome !== 'requested') {
        expect(requested).toMatchObject({ outcome: 'not_possible', reason: expect.stringContaining('deleted') });
        return;
      }
      const { attemptNumber } = requested;
      const { jobs } = world.ledger;
      // Jobs of earlier leases do nothing.
      const index = jobs.findIndex(
        (one) =>
          one.queue === 'deliver' &&
          one.id === job.id &&
          one.attemptNumber === attemptNumber &&
          one.leasedUntil === undefined,
      );
      // In a strict order the dispatcher creates the job in its turn.
      const { ordering, status } = await world.ledger.db.prisma.subscription.findUniqueOrThrow({
        where: { id: requested.delivery.subscriptionId },
      });
      if (ordering === 'strict' && status === 'active') {
        expect(index).toBe(-1);
        return;
      }
      const [made] = jobs.splice(index, 1);
      if (index === -1 || !made) throw new Error('no job was enqueued for it');
      const end = await attempt(world, made, () => pick(RESULTS, how) ?? {});
      expect(end?.end, 'a real attempt, at once').toBe('attempted');
    },
  },
  'count what a replay would replay': {
    async run(world, step) {
      const wanted = await wantedReplay(world, step);
      const counted = await startReplay(world.ledger, { ...toWanted(world, wanted), isDryRun: true });
      if (counted.outcome === 'counted') expect(counted.matched).toBe((await replayable(world, wanted)).length);
    },
  },
  'start a replay': {
    run: async (world, step) =>
      void (await startReplay(world.ledger, toWanted(world, await wantedReplay(world, step)))),
  },
  'advance replays': {
    ...REPLAYING,
    run: async (world, { at, how }) => void (await advance(world, { atOnce: 1 + (at % 3), workers: 1 + (how % 2) })),
  },
  'cancel a replay': {
    async run(world, { at }) {
      const { ledger, accountId } = world;
      const replays = await ledger.db.prisma.replay.findMany({ where: { accountId }, orderBy: { id: 'asc' } });
      const replay = pick(replays, at);
      const canceled = replay && (await cancelReplay(ledger, { accountId, id: replay.id }));
      const ended: ReplayStatus | undefined = replay?.status === 'running' ? 'canceled' : replay?.status;
      expect(canceled?.status).toBe(ended);
    },
  },
  replay: {
    ...REPLAYING,
    async run(world, step) {
      const { ledger, accountId } = world;
      const wanted = await wantedReplay(world, step);
      const expected = await replayable(world, wanted);
      const started = await startReplay(ledger, toWanted(world, wanted));
      if (started.outcome !== 'started') return;
      const { id } = started.replay;
      while ((await advance(world, { atOnce: 1 + (step.at % 3), workers: 1 })) > 0);
      const ended = await findReplay(ledger.db, { accountId, id });
      const status = expected.length === 0 ? 'completed' : 'delivering';
      expect(ended).toMatchObject({ status, matched: expected.length, queued: expected.length });
      expect(ended).toMatchObject({ pending: expected.length, delivered: 0, failed: 0 });
      expect(await replayable(world, wanted), 'nothing is left to replay').toEqual([]);
    },
  },
  pause: {
    deliveryChanges: ['pending>held'],
    subscriptionChanges: ['active>paused'],
    run: (world, { at }) => change(world, at, (key) => pauseSubscription(world.ledger, key)),
  },
  resume: {
    deliveryChanges: ['held>pending'],
    subscriptionChanges: RESUMES,
    run: (world, { at }) => change(world, at, (key) => resumeSubscription(world.ledger, key)),
  },
  disable: {
    deliveryChanges: SETTLES,
    subscriptionChanges: receiving('disabled'),
    run: (world, { at }) => change(world, at, (key) => disableSubscription(world.ledger, key)),
  },
  'disable, and hold': {
    deliveryChanges: SETTLES,
    subscriptionChanges: [...receiving('holding'), 'disabled>holding'],
    run: (world, { at }) =>
      change(world, at, (key) => disableSubscription(world.ledger, { ...key, deliveries: 'hold' })),
  },
  'disable, and cancel': {
    deliveryChanges: SETTLES,
    subscriptionChanges: [...receiving('disabled'), 'holding>disabled'],
    run: (world, { at }) =>
      change(world, at, (key) => disableSubscription(world.ledger, { ...key, deliveries: 'cancel' })),
  },
  delete: {
    deliveryChanges: CANCELS,
    subscriptionChanges: DELETES,
    run: (world, { at }) => change(world, at, (key) => deleteSubscription(world.ledger, key)),
  },
  'pause, and the API crashes after the commit': {
    subscriptionChanges: ['active>paused'],
    run: (world, { at }) => cutShort(world, (ledger) => pauseSubscription(ledger, of(world, at))),
  },
  'resume, and the API crashes after the commit': {
    subscriptionChanges: RESUMES,
    run: (world, { at }) => cutShort(world, (ledger) => resumeSubscription(ledger, of(world, at))),
  },
  'disable, and the API crashes after the commit': {
    subscriptionChanges: [...receiving('disabled', 'holding'), 'disabled>holding', 'holding>disabled'],
    run: (world, { at, how }) =>
      cutShort(world, (ledger) =>
        disableSubscription(ledger, { ...of(world, at), deliveries: how % 2 === 0 ? 'cancel' : 'hold' }),
      ),
  },
  'delete, and the API crashes after the commit': {
    subscriptionChanges: DELETES,
    run: (world, { at }) => cutShort(world, (ledger) => deleteSubscription(ledger, of(world, at))),
  },
  subscribe: {
    run: async (world, { how }) => {
      if (world.subscriptions.length < 4) await subscribe(world, how % 2 === 0 ? [] : ['conversation:created']);
    },
  },
  'change the URL': {
    async run(world, { at }) {
      const key = of(world, at);
      const url = `https://endpoint-${world.subscriptionOf.size}.example.com/`;
      world.subscriptionOf.set(url, key.id);
      await changeSubscription(world.ledger, { ...key, changes: { url } });
    },
  },
  'set a rate, or lift it': {
    run: async (world, { at, how }) =>
      void (await changeSubscription(world.ledger, {
        ...of(world, at),
        changes: { rateLimit: [null, 1, 100][how % 3] ?? null },
      })),
  },
  'keep a strict order, or do not': {
    run: async (world, { at, how }) =>
      void (await changeSubscription(world.ledger, {
        ...of(world, at),
        changes: { ordering: how % 3 === 0 ? 'none' : 'strict' },
      })),
  },
  'catch up': { run: async (world) => void (await catchUpAll(world)) },
  dispatch: { run: async (world) => void (await dispatchAll(world)) },
  'settle, and dispatch the rest': {
    ...SETTLING,
    async run(world) {
      await settleAccount(world.ledger.db.pool, world.accountId);
      await dispatchVerifications(world.ledger);
      world.followed = 'every';
    },
  },
  'dispatch, and the queue is down': {
    run: async ({ ledger }) => void (await dispatch({ ...ledger, enqueue: () => Promise.resolve(false) })),
  },
  'dispatch, and the dispatcher crashes before it enqueues': { run: (world) => cutShort(world, dispatch) },
  'the queue forgets': {
    run: async ({ ledger }, { how }) => {
      ledger.jobs.length = 0;
      if (how % 2 === 0) await reclaim(ledger.db.pool);
    },
  },
  'the queue delivers a job again': {
    run: async ({ ledger, handled }, { at }) => {
      const job = pick(handled, at);
      if (job) ledger.jobs.unshift({ ...job, delayMs: 0 });
    },
  },
  'time passes': { run: (world, { how }) => passTime(world, [1, 10, 70, 3_700, 90_000, 90_000][how % 6] ?? 1) },
};

/** One round of the dispatcher, a second after the last. Afterwards no due delivery waits unless its subscription
 *  has no room: the probe of a half-open circuit is leased, or as many due deliveries as the capacity allows.
 *  Scheduled retries use no room. With a strict order there is room for the head while no delivery is leased. */
async function dispatchAll({ ledger, accountId }: World): Promise<Round> {
  const { pool } = ledger.db;
  await ledger.passSecond();
  const { rows: clock } = await pool.query<{ now: string }>('SELECT now()::text AS now');
  const round = await dispatch(ledger);
  const { rows: starving } = await pool.query(
    `SELECT s.id, s.circuit_open_until, s.concurrency_limit, count(*) FILTER (WHERE coalesce(d.leased_until, d.due_at) <= t.now) AS waiting
     FROM (SELECT $2::timestamptz AS now) t, subscriptions s JOIN deliveries d ON d.subscription_id = s.id
     WHERE s.account_id = $1 AND s.deleted_at IS NULL AND d.due_at <= t.now
       AND (s.circuit_open_until IS NULL OR s.circuit_open_until <= t.now) AND (s.rate_limit IS NULL OR s.next_slot_at <= t.now)
       AND (NOT ${isInOrder('s')} OR d.id = (SELECT h.id FROM (${headOf('s.id')}) h)
         AND NOT EXISTS (SELECT FROM pending_deliveries l WHERE l.subscription_id = s.id AND l.leased_until > t.now))
     GROUP BY s.id
     HAVING bool_or(coalesce(d.leased_until, d.due_at) <= t.now) AND CASE
       WHEN s.circuit_open_until IS NULL THEN count(*) FILTER (WHERE d.leased_until > t.now) < s.concurrency_limit
       ELSE NOT bool_or(d.id = s.probe_id AND d.leased_until > t.now)
     END`,
    [accountId, clock[0]?.now],
  );
  expect(starving, 'due deliveries wait only without room').toEqual([]);
  return round;
}

/** Actions on one subscription, where they meet. */
export const TO_ONE = [
  ...['publish', 'publish', 'request a retry', 'send a test', 'retry a job on the board', 'replay', 'replay'],
  ...['start a replay', 'advance replays', 'pause', 'resume', 'resume', 'disable', 'disable, and hold'],
  ...[
    'disable, and the API crashes after the commit',
    'pause, and the API crashes after the commit',
    'settle, and dispatch the rest',
  ],
];

/** Several actions while an endpoint has a request, on the subscription of that endpoint. */
async function meanwhile(
  world: World,
  { at, how }: Omit<Step, 'action'>,
  actions: (string | undefined)[],
  within = how,
): Promise<void> {
  const job = take(world, at);
  if (!job) return;
  const attempting = begin(world, job, pick(RESULTS, how) ?? {});
  await attempting.reached;
  await world.observe(WORKING);
  const itself = world.subscriptions.findIndex(({ id }) => id === attempting.subscriptionId());
  for (const name of actions) {
    const action = OUTSIDE[name ?? ''];
    await action?.run(world, { action: name ?? '', at: itself === -1 ? at : itself, how: within });
    if (action) await world.observe(action);
  }
  await attempting.finish();
}

/** All actions. A new verb or fault is an entry here: `deliveryChanges` lists the status changes that it may make. */
export const ACTIONS: Record<string, Action> = {
  ...OUTSIDE,
  work: {
    ...WORKING,
    async run(world, { at, how }) {
      const job = take(world, at);
      if (job) await attempt(world, job, () => pick(RESULTS, how) ?? {});
    },
  },
  'all endpoints are down for hours': {
    ...WORKING,
    async run(world) {
      for (let turn = 0; turn <= world.waitsMs.length; turn += 1) {
        for (let job = takeDue(world); job; job = takeDue(world)) await attempt(world, job, () => FAILED);
        await passTime(world, 4_000);
        await dispatchAll(world);
      }
    },
  },
  'something happens while an endpoint has the request': {
    ...WORKING,
    finishes: true,
    async run(world, { at, how }) {
      const first = (at + 1) * (how + 1);
      const several = [first, first + at, first + how].map((choice) => pick(TO_ONE, choice));
      await meanwhile(world, { at, how }, how % 3 === 0 ? several : [pick(Object.keys(OUTSIDE), first)]);
    },
  },
  'it is replayed while an endpoint has the request': {
    ...WORKING,
    finishes: true,
    run: (world, { at, how }) => meanwhile(world, { at, how }, ['disable', 'resume', 'replay'], 2),
  },
  'two workers race on one job': {
    ...WORKING,
    mayLoseResult: true,
    async run(world, { at, how }) {
      const job = take(world, at);
      if (!job) return;
      const racers = [how, at + how].map((index) => begin(world, job, pick(RESULTS, index) ?? {}));
      await Promise.all(racers.map(({ reached }) => reached));
      if (at % 2 === 0) racers.reverse();
      if (at % 3 === 0) await Promise.all(racers.map(({ finish }) => finish()));
      else for (const { finish } of racers) await finish();
    },
  },
  'a worker crashes between its POST and the record': {
    ...WORKING,
    mayLoseResult: true,
    async run(world, { at, how }) {
      const job = take(world, at);
      if (!job) return;
      const db = interpose(world.ledger.db, (statement, run) => (isRecord(statement) ? crashes() : run()));
      await attempt(world, job, () => pick(RESULTS, how) ?? {}, { db });
    },
  },
  'a worker crashes between the record and the next step': {
    ...WORKING,
    async run(world, { at, how }) {
      const job = take(world, at);
      if (!job) return;
      const db = interpose(world.ledger.db, (statement, run) => (changesPending(statement) ? crashes() : run()));
      await attempt(world, job, () => pick(RESULTS, how) ?? {}, { db, enqueue: crashes });
    },
  },
};

/** Moves the clock by moving all times that are due later. */
async function passTime({ ledger, accountId }: World, seconds: number): Promise<void> {
  for (const job of ledger.jobs) job.delayMs = Math.max(0, (job.delayMs ?? 0) - seconds * 1_000);
  await ledger.db.pool.query(
    `WITH clock AS (SELECT $2 * interval '1 second' AS passed), deliveries_nearer AS (
       UPDATE pending_deliveries SET due_at = due_at - passed, leased_until = leased_until - passed FROM clock WHERE account_id = $1
     ), entries_nearer AS (
       UPDATE due_subscriptions SET due_at = due_at - passed FROM clock WHERE account_id = $1
     ), steps_nearer AS (
       UPDATE catch_ups c SET due_at = c.due_at - passed FROM clock, subscriptions s WHERE s.id = c.subscription_id AND s.account_id = $1
     )
     UPDATE subscriptions SET failing_since = failing_since - passed, circuit_open_until = circuit_open_until - passed,
       next_slot_at = next_slot_at - passed, concurrency_set_at = concurrency_set_at - passed
     FROM clock WHERE account_id = $1`,
    [accountId, seconds],
  );
}

/** Runs everything to its end without faults: dispatches, delivers and ends every POST with
 *  `result`. Returns after a round without work. Throws if `rounds` are not enough. */
export async function settle(
  world: World,
  { result, rounds }: { result: Partial<PostResult>; rounds: number },
): Promise<void> {
  for (let n = 0; n < rounds; n += 1) {
    await passTime(world, 90_000);
    const replaying = await advance(world, { atOnce: 3, workers: 1 });
    await world.observe(REPLAYING);
    await settleAccount(world.ledger.db.pool, world.accountId);
    const rest = await dispatchVerifications(world.ledger);
    world.followed = 'every';
    await world.observe(SETTLING);
    await catchUpAll(world);
    await world.observe({});
    const round = await dispatchAll(world);
    if (replaying + round.enqueued + rest === 0 && !round.isMoreDue && world.ledger.jobs.length === 0) return;
    for (let job = takeDue(world); job; job = takeDue(world)) {
      const end = await attempt(world, job, () => result);
      if (end?.end === 'early') throw new Error(`early by ${end.inMs} ms although the time has come`);
    }
    await world.observe(WORKING);
  }
  throw new Error(`not settled after ${rounds} rounds`);
}

export const FINAL_RESULTS: Partial<PostResult>[] = [{}, FAILED];

const echo = async ({ body }: PostRequest): Promise<PostResult> => ({
  ...OK,
  startedAt: new Date(),
  body: Buffer.from(challengeOf(body)),
});
const OK: Omit<PostResult, 'startedAt'> = {
  outcome: 'ok',
  statusCode: 200,
  durationMs: 3,
  timings: { dnsMs: null, connectMs: 1, tlsMs: null, firstByteMs: 2 },
  remoteAddress: '192.0.2.1',
  request: null,
  responseHeaders: {},
  body: new Uint8Array(),
  bodyTruncated: false,
  bodyTooLarge: false,
  retryAfter: null,
  errorCode: null,
  error: null,
};
