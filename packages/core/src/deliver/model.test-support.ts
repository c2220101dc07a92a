/* oxlint-disable unicorn/no-useless-spread -- so that a list of many short entries stands in few lines */
import { toUuid } from '@posthorn/contract';
import type { PostRequest, PostResult } from '@posthorn/sender';
import { expect } from 'vitest';
import type { Due, QueueName } from '../deps.js';
import { freezeEvent } from '../publish/freeze-event.js';
import { openPublisher } from '../publish/publisher.js';
import { type Round, dispatch, dispatchRest } from '../dispatch/dispatch.js';
import { reclaim } from '../dispatch/reclaim.js';
import {
  FAILED,
  GONE,
  type Ledger,
  challengeOf,
  changesOwed,
  interpose,
  isRecord,
  settleAccount,
  silent,
} from '../ledger.test-support.js';
import { headOf, isInOrder } from '../deliveries/strict-order.js';
import type { AttemptTrigger, DeliveryStatus, ReplayStatus } from '../generated/prisma/client.js';
import { makeRetryWhileUnavailable } from '../database-away.js';
import { advanceReplays } from '../replays/advance-replays.js';
import { cancelReplay } from '../replays/cancel-replay.js';
import { findReplay } from '../replays/replay.js';
import { type WantedReplay, startReplay } from '../replays/start-replay.js';
import { changeSubscription } from '../subscriptions/change-subscription.js';
import { deleteSubscription } from '../subscriptions/delete-subscription.js';
import { disableSubscription } from '../subscriptions/disable-subscription.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { resumeSubscription } from '../subscriptions/resume-subscription.js';
import { sendTest } from '../subscriptions/send-test.js';
import { openVerifier } from '../verifications/attempt-verification.js';
import { askForRetry, askForRetryOfJob } from './ask-for-retry.js';
import type { AttemptEnd, AttemptOptions } from './attempt-delivery.js';

/** Schedules: none, so that whatever fails has failed; one wait that goes to the queue, one that is longer than the queue keeps. */
/** Waits within a minute, within the hour that a retry may sleep in the queue, and beyond it. */
export const SCHEDULES_MS: readonly (readonly number[])[] = [
  [],
  [5_000],
  [55_000, 3_500_000],
  [5_000, 3_700_000],
  [3_700_000, 5_000],
];
const FAILING_AFTER_MS = 90_000_000;

/** What happens next: an act, and two numbers with which it chooses. */
export interface Step {
  act: string;
  at: number;
  how: number;
}

/** What an act may do, and nothing else. */
export interface Limits {
  /** What it may make of a delivery, `from>to`; nothing else may change. */
  moves?: readonly string[];
  /** The same of a subscription. */
  turns?: readonly string[];
  /** Who may ask for an attempt by it. */
  asks?: AttemptTrigger;
  /** It makes attempts. */
  attempts?: true;
  /** It ends attempts that were under way before: what is settled meanwhile may get one more. */
  finishes?: true;
  /** It may POST once and lose the result. */
  loses?: true;
}

export interface Act extends Limits {
  run(world: World, step: Step): Promise<void>;
}

/** One account, its deliveries, the queue that holds their jobs, and what the model knows of them. */
export interface World {
  ledger: Ledger;
  accountId: string;
  waitsMs: readonly number[];
  subscriptions: { id: string; events: string[] }[];
  /** What everybody may be sent; tests are not among it. */
  published: { id: string; type: string; createdAt: Date }[];
  /** Who is owed an event, from the moment it was accepted. */
  owed: Map<string, Set<string>>;
  /** The subscription of a change that has just been carried out: what it is owed has followed. `every`: what is held has, of all. */
  followed: string | null;
  /** How many attempts a delivery had, one that was under way included, when its schedule began anew. */
  broughtAfter: Map<string, number>;
  underWay: Set<string>;
  /** Jobs that ran: a queue may bring each of them again. */
  handled: (Due & { queue: QueueName })[];
  /** Called in the middle of a step, after an act within it. */
  observe(limits: Limits): Promise<void>;
  /** Called when a receiver gets a request, before it answers. */
  posting(job: Due, request: PostRequest): Promise<void>;
  /** POSTs made, and those of them whose result never reached the ledger; by event and subscription. */
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
    owed: new Map(),
    followed: null,
    broughtAfter: new Map(),
    underWay: new Set(),
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
  const url = `https://receiver-${world.subscriptionOf.size}.example.com/`;
  const kept = world.ledger.jobs.splice(0);
  const { id } = await world.ledger.activeSubscription(world.accountId, { url, events });
  world.ledger.jobs.push(...kept);
  world.subscriptions.push({ id, events });
  world.subscriptionOf.set(url, id);
}

const ANSWERS: Partial<PostResult>[] = [
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

/** Runs a job as a worker does. Whoever gives `answer` a promise decides when the receiver answers. */
async function attempt(
  world: World,
  job: Due & { queue: QueueName },
  answer: (request: PostRequest) => Partial<PostResult> | Promise<Partial<PostResult>>,
  options: Partial<AttemptOptions> = {},
): Promise<AttemptEnd | null> {
  const { ledger } = world;
  if (job.queue === 'verify') {
    await openVerifier({ ...ledger, post: echo, log: silent, retryWhileUnavailable, timeoutMs: 1_000 }).attempt(
      job,
      signal,
    );
    return null;
  }
  let key: string | null = null;
  const post = async (request: PostRequest): Promise<PostResult> => {
    await world.posting(job, request);
    world.underWay.add(job.id);
    const result = { ...ANSWERED, startedAt: new Date(), ...(await answer(request)) };
    world.underWay.delete(job.id);
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

/** The same, stopped while the receiver has the request and has not answered. */
function begin(world: World, job: Due & { queue: QueueName }, answer: Partial<PostResult>) {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let arrive = () => {};
  let url = '';
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const ended = attempt(world, job, async (request) => {
    ({ url } = request);
    arrive();
    await released;
    return answer;
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

const CRASH = new Error('the process ended here');
const crashes = () => Promise.reject(CRASH);
const retryWhileUnavailable = makeRetryWhileUnavailable({ log: silent });
const takeDue = ({ ledger: { jobs } }: World) => {
  const index = jobs.findIndex(({ delayMs = 0 }) => delayMs <= 0);
  return index === -1 ? undefined : jobs.splice(index, 1)[0];
};
/** Mostly what is due; a queue may be early all the same. */
const take = (world: World, at: number) =>
  (at % 4 === 0 ? undefined : takeDue(world)) ?? world.ledger.jobs.splice(at % (world.ledger.jobs.length || 1), 1)[0];

/** A verb of a process that ends between the verb's commit and what follows it. */
async function cutShort(world: World, verb: (ledger: Ledger) => Promise<unknown>): Promise<void> {
  const db = interpose(world.ledger.db, (statement, run) => (changesOwed(statement) ? crashes() : run()));
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
  const wanting = world.subscriptions.filter(
    ({ id, events }) => rows.some((row) => row.id === id) && (events.length === 0 || events.includes(type)),
  );
  const frozen = freezeEvent(Buffer.from(`{"event":"${type}","payload":{}}`));
  if (!frozen.ok) throw new Error(frozen.message);
  const publisher = openPublisher(ledger);
  const result = await publisher.publish({ accountId: world.accountId, frozen: frozen.frozen, idempotencyKey: null });
  await publisher.drain();
  if (result.outcome !== 'accepted') throw new Error(result.outcome);
  world.owed.set(result.event.id, new Set(wanting.map(({ id }) => id)));
  world.published.push({ id: result.event.id, type, createdAt: result.event.createdAt });
}

async function wantedReplay(world: World, { at, how }: Step): Promise<WantedReplay> {
  // All there is, or what came before or after one of the events.
  const middle = pick(world.published, at)?.createdAt ?? new Date();
  const wanted: WantedReplay = {
    accountId: world.accountId,
    subscriptionId: of(world, at).id,
    which: how % 2 === 0 ? 'failed' : 'missed',
    since: how % 10 === 0 ? middle : new Date(0),
    until: how % 7 === 0 ? middle : new Date(Date.now() + 60_000),
    isDryRun: false,
  };
  // Of one that lacks something, if there is one.
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

/** What such a replay sends again, as the model knows it: the events. */
async function replayable(
  world: World,
  { subscriptionId, which, since, until }: Omit<WantedReplay, 'accountId' | 'isDryRun'>,
): Promise<string[]> {
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
    .filter(({ id }) => !world.owed.get(id)?.has(subscriptionId))
    .map(({ id }) => id);
}

interface Brought {
  id: string;
  eventId: string;
  status: DeliveryStatus;
  attemptCount: number;
  askedTrigger: AttemptTrigger | null;
}

/** One step of each running replay, by `workers` at once; returns how many are running still. */
async function advance(world: World, { atOnce, workers }: { atOnce: number; workers: number }): Promise<number> {
  const { prisma, pool } = world.ledger.db;
  const running = await prisma.replay.findMany({
    where: { accountId: world.accountId, status: 'running' },
    include: { subscription: true },
  });
  if (running.length === 0) return 0;
  const before = new Map<string, string[]>();
  for (const replay of running) {
    // What an earlier step replayed may have failed, or been canceled, again: a replay does not go over it twice.
    const brought = await prisma.delivery.findMany({ where: { replayId: replay.id }, select: { eventId: true } });
    const done = new Set(brought.map(({ eventId }) => eventId));
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
    const { rows } = await pool.query<Brought>(
      `SELECT id, event_id AS "eventId", status, attempt_count AS "attemptCount", asked_trigger AS "askedTrigger" FROM deliveries
       WHERE replay_id = $1 AND subscription_id = $2 AND event_id = ANY ($3::uuid[])`,
      [id, subscription.id, before.get(id)],
    );
    const receives = subscription.deletedAt === null && ['active', 'paused'].includes(subscription.status);
    if (!receives) expect([now.status, rows.length], 'for who receives nothing it ends').toEqual(['canceled', 0]);
    expect(now.queued - queued, 'what it says that it replayed').toBe(rows.length);
    expect(rows.length).toBeLessThanOrEqual(atOnce * workers);
    for (const { status, askedTrigger } of rows) {
      expect(status).toBe(subscription.status === 'paused' ? 'held' : 'pending');
      if (status === 'pending') expect(askedTrigger, 'it is asked for').not.toBeNull();
    }
    for (const { id: deliveryId, eventId, attemptCount } of rows) {
      world.owed.get(eventId)?.add(subscription.id);
      world.broughtAfter.set(deliveryId, attemptCount + Number(world.underWay.has(deliveryId)));
    }
    if (now.status === 'completed' && replay.which === 'missed')
      expect(await replayable(world, replay), 'nothing is missing any more').toEqual([]);
  }
  return left;
}

const CANCELS = ['pending>canceled', 'held>canceled'];
/** What is owed follows the state of its subscription. */
const SETTLES = ['pending>held', ...CANCELS];
const ENDS = [
  ...['pending>succeeded', 'pending>failed', 'held>succeeded', 'held>failed'],
  ...['failed>succeeded', 'canceled>succeeded'],
];
const receiving = (...to: string[]) => ['active', 'paused'].flatMap((from) => to.map((one) => `${from}>${one}`));
const WORKING: Limits = { moves: [...ENDS, ...SETTLES], turns: receiving('disabled'), attempts: true };
const BRINGING_BACK: Limits = {
  moves: ['failed>pending', 'failed>held', 'canceled>pending', 'canceled>held'],
  asks: 'replay',
};
const FOLLOWING: Limits = { moves: ['held>pending', ...SETTLES] };
const RESUMES = ['paused>active', 'disabled>active', 'holding>active'];
const DELETES = ['active>deleted', 'paused>deleted', 'disabled>deleted', 'holding>deleted', 'unverified>deleted'];
const of = (world: World, at: number) => ({
  accountId: world.accountId,
  id: pick(world.subscriptions, at)?.id ?? '',
});
/** A change of a subscription that is carried out to its end. */
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

/** What people and faults do from outside, also while a receiver has a request. */
const OUTSIDE: Record<string, Act> = {
  publish: { run: (world, step) => publish(world, step, world.ledger) },
  'publish, and the API ends before it tells the queue': {
    run: (world, step) => publish(world, step, { ...world.ledger, enqueue: () => Promise.resolve(true) }),
  },
  'publish, and the queue is away': {
    run: (world, step) => publish(world, step, { ...world.ledger, enqueue: () => Promise.resolve(false) }),
  },
  'send a test': {
    async run(world, { at }) {
      const frozen = freezeEvent(Buffer.from('{"event":"message:created","payload":{}}'));
      if (!frozen.ok) throw new Error(frozen.message);
      const key = of(world, at);
      const sent = await sendTest(world.ledger, { ...key, frozen: frozen.frozen });
      if (sent.outcome === 'sent') world.owed.set(sent.eventId, new Set([key.id]));
    },
  },
  'ask for a retry': {
    asks: 'manual',
    async run(world, { at, how }) {
      const id = await anyDelivery(world, at);
      const enqueue = how % 4 === 0 ? () => Promise.resolve(false) : world.ledger.enqueue;
      if (id) await askForRetry({ ...world.ledger, enqueue }, { accountId: world.accountId, id });
    },
  },
  'put a job back on the board': {
    asks: 'manual',
    ...WORKING,
    async run(world, { at, how }) {
      const job = pick(world.handled, at);
      // Beside a try that is under way it is the try itself that is asked for.
      if (!job || job.queue === 'verify' || world.underWay.has(job.id)) return;
      const asked = await askForRetryOfJob(world.ledger, job);
      if (asked.outcome !== 'asked') {
        expect(asked).toMatchObject({ outcome: 'not_possible', reason: expect.stringContaining('deleted') });
        return;
      }
      const { attemptNumber } = asked;
      const { jobs } = world.ledger;
      // Jobs of earlier leases do nothing.
      const index = jobs.findIndex(
        (one) =>
          one.queue === 'deliver' &&
          one.id === job.id &&
          one.attemptNumber === attemptNumber &&
          one.leasedUntil === undefined,
      );
      // In a strict order the dispatcher makes its job, when it is its turn.
      const { ordering, status } = await world.ledger.db.prisma.subscription.findUniqueOrThrow({
        where: { id: asked.delivery.subscriptionId },
      });
      if (ordering === 'strict' && status === 'active') {
        expect(index).toBe(-1);
        return;
      }
      const [made] = jobs.splice(index, 1);
      if (index === -1 || !made) throw new Error('no job was made of it');
      const end = await attempt(world, made, () => pick(ANSWERS, how) ?? {});
      expect(end?.end, 'a real attempt, at once').toBe('attempted');
    },
  },
  'count what a replay would replay': {
    async run(world, step) {
      const wanted = { ...(await wantedReplay(world, step)), isDryRun: true };
      const counted = await startReplay(world.ledger, wanted);
      if (counted.outcome === 'counted') expect(counted.matched).toBe((await replayable(world, wanted)).length);
    },
  },
  'start a replay': {
    run: async (world, step) => void (await startReplay(world.ledger, await wantedReplay(world, step))),
  },
  'advance replays': {
    ...BRINGING_BACK,
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
    ...BRINGING_BACK,
    async run(world, step) {
      const { ledger, accountId } = world;
      const wanted = await wantedReplay(world, step);
      const expected = await replayable(world, wanted);
      const started = await startReplay(ledger, wanted);
      if (started.outcome !== 'started') return;
      const { id } = started.replay;
      while ((await advance(world, { atOnce: 1 + (step.at % 3), workers: 1 })) > 0);
      const ended = await findReplay(ledger.db, { accountId, id });
      expect(ended).toMatchObject({ status: 'completed', matched: expected.length, queued: expected.length });
      expect(ended).toMatchObject({ pending: expected.length, succeeded: 0, failed: 0 });
      expect(await replayable(world, wanted), 'nothing is left of it').toEqual([]);
    },
  },
  pause: {
    moves: ['pending>held'],
    turns: ['active>paused'],
    run: (world, { at }) => change(world, at, (key) => pauseSubscription(world.ledger, key)),
  },
  resume: {
    moves: ['held>pending'],
    turns: RESUMES,
    run: (world, { at }) => change(world, at, (key) => resumeSubscription(world.ledger, key)),
  },
  disable: {
    moves: SETTLES,
    turns: receiving('disabled'),
    run: (world, { at }) => change(world, at, (key) => disableSubscription(world.ledger, key)),
  },
  'disable, and hold': {
    moves: SETTLES,
    turns: [...receiving('holding'), 'disabled>holding'],
    run: (world, { at }) =>
      change(world, at, (key) => disableSubscription(world.ledger, { ...key, deliveries: 'hold' })),
  },
  'disable, and cancel': {
    moves: SETTLES,
    turns: [...receiving('disabled'), 'holding>disabled'],
    run: (world, { at }) =>
      change(world, at, (key) => disableSubscription(world.ledger, { ...key, deliveries: 'cancel' })),
  },
  delete: {
    moves: CANCELS,
    turns: DELETES,
    run: (world, { at }) => change(world, at, (key) => deleteSubscription(world.ledger, key)),
  },
  'pause, and the API ends after the commit': {
    turns: ['active>paused'],
    run: (world, { at }) => cutShort(world, (ledger) => pauseSubscription(ledger, of(world, at))),
  },
  'resume, and the API ends after the commit': {
    turns: RESUMES,
    run: (world, { at }) => cutShort(world, (ledger) => resumeSubscription(ledger, of(world, at))),
  },
  'disable, and the API ends after the commit': {
    turns: [...receiving('disabled', 'holding'), 'disabled>holding', 'holding>disabled'],
    run: (world, { at, how }) =>
      cutShort(world, (ledger) =>
        disableSubscription(ledger, { ...of(world, at), deliveries: how % 2 === 0 ? 'cancel' : 'hold' }),
      ),
  },
  'delete, and the API ends after the commit': {
    turns: DELETES,
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
      const url = `https://receiver-${world.subscriptionOf.size}.example.com/`;
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
  dispatch: { run: async (world) => void (await dispatchAll(world)) },
  'settle, and dispatch the rest': {
    ...FOLLOWING,
    async run(world) {
      await settleAccount(world.ledger.db.pool, world.accountId);
      await dispatchRest(world.ledger);
      world.followed = 'every';
    },
  },
  'dispatch, and the queue is away': {
    run: async ({ ledger }) => void (await dispatch({ ...ledger, enqueue: () => Promise.resolve(false) })),
  },
  'dispatch, and the dispatcher ends before it tells the queue': { run: (world) => cutShort(world, dispatch) },
  'the queue forgets': {
    run: async ({ ledger }, { how }) => {
      ledger.jobs.length = 0;
      if (how % 2 === 0) await reclaim(ledger.db.pool);
    },
  },
  'the queue brings a job again': {
    run: async ({ ledger, handled }, { at }) => {
      const job = pick(handled, at);
      if (job) ledger.jobs.unshift({ ...job, delayMs: 0 });
    },
  },
  'time passes': { run: (world, { how }) => passTime(world, [1, 10, 70, 3_700, 90_000, 90_000][how % 6] ?? 1) },
};

/** One round of the dispatcher, a second after the one before. Afterwards nothing that was due waits, unless its subscription has no room: a half-open breaker has its
 *  probe in hand, any other one as many due deliveries as its limit. Scheduled retries take no room, so they are not counted. One with a
 *  strict order has room for its head, while nothing of it is leased. */
async function dispatchAll({ ledger, accountId }: World): Promise<Round> {
  const { pool } = ledger.db;
  await ledger.passSecond();
  const { rows: clock } = await pool.query<{ now: string }>('SELECT now()::text AS now');
  const round = await dispatch(ledger);
  const { rows: starving } = await pool.query(
    `SELECT s.id, s.breaker_until, s.concurrency_limit, count(*) FILTER (WHERE coalesce(d.leased_until, d.due_at) <= t.now) AS waiting
     FROM (SELECT $2::timestamptz AS now) t, subscriptions s JOIN deliveries d ON d.subscription_id = s.id
     WHERE s.account_id = $1 AND s.deleted_at IS NULL AND d.due_at <= t.now
       AND (s.breaker_until IS NULL OR s.breaker_until <= t.now) AND (s.rate_limit IS NULL OR s.next_slot_at <= t.now)
       AND (NOT ${isInOrder('s')} OR d.id = (SELECT h.id FROM (${headOf('s.id')}) h)
         AND NOT EXISTS (SELECT FROM pending_deliveries l WHERE l.subscription_id = s.id AND l.leased_until > t.now))
     GROUP BY s.id
     HAVING bool_or(coalesce(d.leased_until, d.due_at) <= t.now) AND CASE
       WHEN s.breaker_until IS NULL THEN count(*) FILTER (WHERE d.leased_until > t.now) < s.concurrency_limit
       ELSE NOT bool_or(d.id = s.probe_id AND d.leased_until > t.now)
     END`,
    [accountId, clock[0]?.now],
  );
  expect(starving, 'what is due waits only where there is no room').toEqual([]);
  return round;
}

/** What is done to one subscription: there they meet. */
export const TO_ONE = [
  ...['publish', 'publish', 'ask for a retry', 'send a test', 'put a job back on the board', 'replay', 'replay'],
  ...['start a replay', 'advance replays', 'pause', 'resume', 'resume', 'disable', 'disable, and hold'],
  ...[
    'disable, and the API ends after the commit',
    'pause, and the API ends after the commit',
    'settle, and dispatch the rest',
  ],
];

/** One act after the other while a receiver has a request; what is done to a subscription is done to that receiver's. */
async function meanwhile(
  world: World,
  { at, how }: Omit<Step, 'act'>,
  acts: (string | undefined)[],
  within = how,
): Promise<void> {
  const job = take(world, at);
  if (!job) return;
  const attempting = begin(world, job, pick(ANSWERS, how) ?? {});
  await attempting.reached;
  await world.observe(WORKING);
  const itself = world.subscriptions.findIndex(({ id }) => id === attempting.subscriptionId());
  for (const name of acts) {
    const act = OUTSIDE[name ?? ''];
    await act?.run(world, { act: name ?? '', at: itself === -1 ? at : itself, how: within });
    if (act) await world.observe(act);
  }
  await attempting.finish();
}

/** All that may happen. A new verb or fault is an entry here: `moves` says what it may do to deliveries. */
export const ACTS: Record<string, Act> = {
  ...OUTSIDE,
  work: {
    ...WORKING,
    async run(world, { at, how }) {
      const job = take(world, at);
      if (job) await attempt(world, job, () => pick(ANSWERS, how) ?? {});
    },
  },
  'all receivers are down for hours': {
    ...WORKING,
    async run(world) {
      for (let turn = 0; turn <= world.waitsMs.length; turn += 1) {
        for (let job = takeDue(world); job; job = takeDue(world)) await attempt(world, job, () => FAILED);
        await passTime(world, 4_000);
        await dispatchAll(world);
      }
    },
  },
  'something happens while a receiver has the request': {
    ...WORKING,
    finishes: true,
    async run(world, { at, how }) {
      const first = (at + 1) * (how + 1);
      const several = [first, first + at, first + how].map((choice) => pick(TO_ONE, choice));
      await meanwhile(world, { at, how }, how % 3 === 0 ? several : [pick(Object.keys(OUTSIDE), first)]);
    },
  },
  'it is replayed while a receiver has the request': {
    ...WORKING,
    finishes: true,
    run: (world, { at, how }) => meanwhile(world, { at, how }, ['disable', 'resume', 'replay'], 2),
  },
  'two workers race on one job': {
    ...WORKING,
    loses: true,
    async run(world, { at, how }) {
      const job = take(world, at);
      if (!job) return;
      const racers = [how, at + how].map((answer) => begin(world, job, pick(ANSWERS, answer) ?? {}));
      await Promise.all(racers.map(({ reached }) => reached));
      if (at % 2 === 0) racers.reverse();
      if (at % 3 === 0) await Promise.all(racers.map(({ finish }) => finish()));
      else for (const { finish } of racers) await finish();
    },
  },
  'a worker ends between its POST and the record': {
    ...WORKING,
    loses: true,
    async run(world, { at, how }) {
      const job = take(world, at);
      if (!job) return;
      const db = interpose(world.ledger.db, (statement, run) => (isRecord(statement) ? crashes() : run()));
      await attempt(world, job, () => pick(ANSWERS, how) ?? {}, { db });
    },
  },
  'a worker ends between the record and what follows it': {
    ...WORKING,
    async run(world, { at, how }) {
      const job = take(world, at);
      if (!job) return;
      const db = interpose(world.ledger.db, (statement, run) => (changesOwed(statement) ? crashes() : run()));
      await attempt(world, job, () => pick(ANSWERS, how) ?? {}, { db, enqueue: crashes });
    },
  },
};

/** Moves the clock: all that waits is so much nearer. */
async function passTime({ ledger, accountId }: World, seconds: number): Promise<void> {
  for (const job of ledger.jobs) job.delayMs = Math.max(0, (job.delayMs ?? 0) - seconds * 1_000);
  await ledger.db.pool.query(
    `WITH clock AS (SELECT $2 * interval '1 second' AS passed), deliveries_nearer AS (
       UPDATE pending_deliveries SET due_at = due_at - passed, leased_until = leased_until - passed FROM clock WHERE account_id = $1
     ), looks_nearer AS (
       UPDATE due_subscriptions SET due_at = due_at - passed FROM clock WHERE account_id = $1
     )
     UPDATE subscriptions SET failing_since = failing_since - passed, breaker_until = breaker_until - passed,
       next_slot_at = next_slot_at - passed, concurrency_set_at = concurrency_set_at - passed
     FROM clock WHERE account_id = $1`,
    [accountId, seconds],
  );
}

/** Lets everything come to its end with the faults gone: the dispatcher goes round, the queue delivers, receivers answer
 *  `answers`, over and over. Returns after a round that found nothing to do; throws if there is none within `rounds`. */
export async function settle(
  world: World,
  { answer, rounds }: { answer: Partial<PostResult>; rounds: number },
): Promise<void> {
  for (let n = 0; n < rounds; n += 1) {
    await passTime(world, 90_000);
    const replaying = await advance(world, { atOnce: 3, workers: 1 });
    await world.observe(BRINGING_BACK);
    await settleAccount(world.ledger.db.pool, world.accountId);
    const rest = await dispatchRest(world.ledger);
    world.followed = 'every';
    await world.observe(FOLLOWING);
    const round = await dispatchAll(world);
    if (replaying + round.enqueued + rest === 0 && !round.isMoreDue && world.ledger.jobs.length === 0) return;
    for (let job = takeDue(world); job; job = takeDue(world)) {
      const end = await attempt(world, job, () => answer);
      if (end?.end === 'early') throw new Error(`early by ${end.inMs} ms although the time has come`);
    }
    await world.observe(WORKING);
  }
  throw new Error(`not settled after ${rounds} rounds`);
}

export const FINAL_ANSWERS: Partial<PostResult>[] = [{}, FAILED];

const echo = async ({ body }: PostRequest): Promise<PostResult> => ({
  ...ANSWERED,
  startedAt: new Date(),
  body: Buffer.from(challengeOf(body)),
});
const ANSWERED: Omit<PostResult, 'startedAt'> = {
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
  error: null,
};
