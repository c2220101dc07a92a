/* oxlint-disable unicorn/no-useless-spread -- so that a list of many short entries stands in few lines */
import { toUuid } from '@posthorn/contract';
import type { PostRequest, PostResult } from '@posthorn/sender';
import type { Due, QueueName } from '../deps.js';
import { freezeEvent } from '../events/freeze-event.js';
import { openPublisher } from '../events/publisher.js';
import { feed, feedRest } from '../feeder/feed.js';
import { reclaim } from '../feeder/reclaim.js';
import { FAILED, GONE, type Ledger, challengeOf, interpose, silent } from '../ledger.test-support.js';
import { openPatience } from '../database-away.js';
import { changeSubscription } from '../subscriptions/change-subscription.js';
import { deleteSubscription } from '../subscriptions/delete-subscription.js';
import { disableSubscription } from '../subscriptions/disable-subscription.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { resumeSubscription } from '../subscriptions/resume-subscription.js';
import { sendTest } from '../subscriptions/send-test.js';
import { openVerifier } from '../verifications/attempt-verification.js';
import { askForRetry } from './ask-for-retry.js';
import type { AttemptEnd, AttemptOptions } from './attempt-delivery.js';

/** One that goes to the queue, one that is longer than the queue keeps. */
export const WAITS_MS = [5_000, 3_700_000];
const FAILING_AFTER_MS = 90_000_000;

/** What happens next: an act, and two numbers with which it chooses. */
export interface Step {
  act: string;
  at: number;
  how: number;
}

export interface Act {
  /** What it may make of a delivery, `from>to`; nothing else may change. */
  moves?: readonly string[];
  /** It makes attempts. */
  attempts?: true;
  /** It ends attempts that were under way before: what is settled meanwhile may get one more. */
  finishes?: true;
  /** It may POST and lose the result. */
  loses?: true;
  run(world: World, step: Step): Promise<void>;
}

/** One account, its deliveries, the queue that holds their jobs, and what the model knows of them. */
export interface World {
  ledger: Ledger;
  accountId: string;
  subscriptions: { id: string; events: string[] }[];
  /** Who is owed an event, from the moment it was accepted. */
  owed: Map<string, Set<string>>;
  /** Jobs that ran: a queue may bring each of them again. */
  handled: (Due & { queue: QueueName })[];
  /** Called in the middle of a step, after an act within it. */
  observe(act: Act): Promise<void>;
  /** POSTs made, and those of them whose result never reached the ledger; by event and subscription. */
  posted: Map<string, number>;
  lost: Map<string, number>;
  subscriptionOf: Map<string, string>;
}

export async function openWorld(ledger: Ledger): Promise<World> {
  ledger.jobs.length = 0;
  ledger.setQueue(true);
  const world: World = {
    ledger,
    accountId: await ledger.account(),
    subscriptions: [],
    owed: new Map(),
    handled: [],
    observe: () => Promise.resolve(),
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
  answer: () => Partial<PostResult> | Promise<Partial<PostResult>>,
  options: Partial<AttemptOptions> = {},
): Promise<AttemptEnd | null> {
  const { ledger } = world;
  if (job.queue === 'verify') {
    await openVerifier({ ...ledger, post: echo, log: silent, patience, timeoutMs: 1_000 }).attempt(job, signal);
    return null;
  }
  let key: string | null = null;
  const post = async (request: PostRequest): Promise<PostResult> => {
    const result = { ...ANSWERED, startedAt: new Date(), ...(await answer()) };
    key = keyOf(request, world);
    count(world.posted, key);
    return result;
  };
  const worker = ledger.attempter({ post, waitsMs: WAITS_MS, failingAfterMs: FAILING_AFTER_MS, ...options });
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
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const ended = attempt(world, job, async () => {
    arrive();
    await released;
    return answer;
  });
  return {
    reached: Promise.race([arrived, ended]),
    async finish() {
      release();
      await ended;
    },
  };
}

const CRASH = new Error('the process ended here');
const crashes = () => Promise.reject(CRASH);
const patience = openPatience({ log: silent });
const takeDue = ({ ledger: { jobs } }: World) => {
  const index = jobs.findIndex(({ delayMs = 0 }) => delayMs <= 0);
  return index === -1 ? undefined : jobs.splice(index, 1)[0];
};
/** Mostly what is due; a queue may be early all the same. */
const take = (world: World, at: number) =>
  (at % 4 === 0 ? undefined : takeDue(world)) ?? world.ledger.jobs.splice(at % (world.ledger.jobs.length || 1), 1)[0];

/** A verb of a process that ends between the verb's commit and what follows it. */
async function cutShort(world: World, verb: (ledger: Ledger) => Promise<unknown>): Promise<void> {
  const db = interpose(world.ledger.db, (statement, run) =>
    statement.startsWith('UPDATE deliveries') ? crashes() : run(),
  );
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
  const frozen = freezeEvent(`{"event":"${type}","payload":{}}`);
  if (!frozen.ok) throw new Error(frozen.message);
  const publisher = openPublisher(ledger);
  const result = await publisher.publish({ accountId: world.accountId, frozen: frozen.frozen, idempotencyKey: null });
  await publisher.drain();
  if (result.outcome !== 'accepted') throw new Error(result.outcome);
  world.owed.set(result.event.id, new Set(wanting.map(({ id }) => id)));
}

const CANCELS = ['pending>canceled', 'held>canceled'];
/** What is owed follows the state of its subscription. */
const SETTLES = ['pending>held', ...CANCELS];
const ANY = [
  ...['pending>held', 'pending>succeeded', 'pending>failed', 'held>pending', 'held>succeeded', 'held>failed'],
  ...[...CANCELS, 'failed>succeeded', 'canceled>succeeded'],
];
const of = (world: World, at: number) => ({
  accountId: world.accountId,
  id: pick(world.subscriptions, at)?.id ?? '',
});
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
      const frozen = freezeEvent('{"event":"message:created","payload":{}}');
      if (!frozen.ok) throw new Error(frozen.message);
      const key = of(world, at);
      const sent = await sendTest(world.ledger, { ...key, frozen: frozen.frozen });
      if (sent.outcome === 'sent') world.owed.set(sent.eventId, new Set([key.id]));
    },
  },
  'ask for a retry': {
    async run(world, { at, how }) {
      const id = await anyDelivery(world, at);
      const enqueue = how % 4 === 0 ? () => Promise.resolve(false) : world.ledger.enqueue;
      if (id) await askForRetry({ ...world.ledger, enqueue }, { accountId: world.accountId, id });
    },
  },
  pause: {
    moves: ['pending>held'],
    run: async (world, { at }) => void (await pauseSubscription(world.ledger, of(world, at))),
  },
  resume: {
    moves: ['held>pending'],
    run: async (world, { at }) => void (await resumeSubscription(world.ledger, of(world, at))),
  },
  disable: {
    moves: SETTLES,
    run: async (world, { at }) => void (await disableSubscription(world.ledger, of(world, at))),
  },
  'disable, and hold': {
    moves: SETTLES,
    run: async (world, { at }) =>
      void (await disableSubscription(world.ledger, { ...of(world, at), deliveries: 'hold' })),
  },
  'disable, and cancel': {
    moves: SETTLES,
    run: async (world, { at }) =>
      void (await disableSubscription(world.ledger, { ...of(world, at), deliveries: 'cancel' })),
  },
  delete: {
    moves: CANCELS,
    run: async (world, { at }) => void (await deleteSubscription(world.ledger, of(world, at))),
  },
  'pause, and the API ends after the commit': {
    moves: ['pending>held'],
    run: (world, { at }) => cutShort(world, (ledger) => pauseSubscription(ledger, of(world, at))),
  },
  'resume, and the API ends after the commit': {
    moves: ['held>pending'],
    run: (world, { at }) => cutShort(world, (ledger) => resumeSubscription(ledger, of(world, at))),
  },
  'disable, and the API ends after the commit': {
    run: (world, { at, how }) =>
      cutShort(world, (ledger) =>
        disableSubscription(ledger, { ...of(world, at), deliveries: how % 2 === 0 ? 'cancel' : 'hold' }),
      ),
  },
  'delete, and the API ends after the commit': {
    moves: CANCELS,
    run: (world, { at }) => cutShort(world, (ledger) => deleteSubscription(ledger, of(world, at))),
  },
  subscribe: {
    run: async (world, { how }) => {
      if (world.subscriptions.length < 5) await subscribe(world, how % 2 === 0 ? [] : ['conversation:created']);
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
  feed: { run: async ({ ledger }) => void (await feed(ledger)) },
  'feed the rest': { moves: ['held>pending', ...SETTLES], run: async ({ ledger }) => void (await feedRest(ledger)) },
  'feed, and the queue is away': {
    run: async ({ ledger }) => void (await feed({ ...ledger, enqueue: () => Promise.resolve(false) })),
  },
  'feed, and the feeder ends before it tells the queue': { run: (world) => cutShort(world, feed) },
  'the queue forgets': {
    run: async ({ ledger }, { how }) => {
      ledger.jobs.length = 0;
      if (how % 2 === 0) await reclaim(ledger.db.pool);
    },
  },
  'the queue brings a job again': {
    run: async ({ ledger, handled }, { at }) => {
      const job = pick(handled, at);
      if (job) ledger.jobs.push({ ...job, delayMs: 0 });
    },
  },
  'time passes': { run: (world, { how }) => passTime(world, [1, 10, 70, 3_700, 90_000, 90_000][how % 6] ?? 1) },
};

const WORKING = { moves: ANY, attempts: true } as const;

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
  'something happens while a receiver has the request': {
    ...WORKING,
    finishes: true,
    async run(world, step) {
      const job = take(world, step.at);
      if (!job) return;
      const attempting = begin(world, job, pick(ANSWERS, step.how) ?? {});
      await attempting.reached;
      await world.observe({ ...WORKING, run: () => Promise.resolve() });
      const within = OUTSIDE[pick(Object.keys(OUTSIDE), step.at + step.how) ?? ''];
      await within?.run(world, step);
      if (within) await world.observe(within);
      await attempting.finish();
    },
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
      const db = interpose(world.ledger.db, (statement, run) => (statement === 'record-attempts' ? crashes() : run()));
      await attempt(world, job, () => pick(ANSWERS, how) ?? {}, { db });
    },
  },
  'a worker ends between the record and what follows it': {
    ...WORKING,
    async run(world, { at, how }) {
      const job = take(world, at);
      if (!job) return;
      const db = interpose(world.ledger.db, (statement, run) =>
        statement.startsWith('UPDATE deliveries') ? crashes() : run(),
      );
      await attempt(world, job, () => pick(ANSWERS, how) ?? {}, { db, enqueue: crashes });
    },
  },
};

/** Moves the clock: all that waits is so much nearer. */
async function passTime({ ledger, accountId }: World, seconds: number): Promise<void> {
  for (const job of ledger.jobs) job.delayMs = Math.max(0, (job.delayMs ?? 0) - seconds * 1_000);
  await ledger.db.pool.query(
    `WITH clock AS (SELECT $2 * interval '1 second' AS passed), deliveries_nearer AS (
       UPDATE deliveries SET due_at = due_at - passed, feed_at = feed_at - passed FROM clock WHERE account_id = $1
     )
     UPDATE subscriptions SET failing_since = failing_since - passed, breaker_until = breaker_until - passed,
       next_slot_at = next_slot_at - passed, concurrency_set_at = concurrency_set_at - passed
     FROM clock WHERE account_id = $1`,
    [accountId, seconds],
  );
}

/** Lets everything come to its end with the faults gone: the feeder goes round, the queue delivers, receivers answer
 *  `answers`, over and over. Returns after a round that found nothing to do; throws if there is none within `rounds`. */
export async function settle(
  world: World,
  { answer, rounds, each }: { answer: Partial<PostResult>; rounds: number; each: () => Promise<void> },
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await passTime(world, 90_000);
    const rest = await feedRest(world.ledger);
    const fed = await feed(world.ledger);
    if (fed.enqueued + rest === 0 && !fed.isMoreDue && world.ledger.jobs.length === 0) return;
    for (let job = takeDue(world); job; job = takeDue(world)) {
      const end = await attempt(world, job, () => answer);
      if (end?.end === 'early') throw new Error(`early by ${end.inMs} ms although the time has come`);
    }
    await each();
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
  requestHeaders: {},
  responseHeaders: {},
  body: new Uint8Array(),
  bodyTruncated: false,
  bodyTooLarge: false,
  retryAfter: null,
  error: null,
};
