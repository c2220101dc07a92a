import type { PostRequest, PostResult } from '@posthorn/sender';
import { toTypeId } from '@posthorn/contract';
import { type Cipher, rememberOpened } from '../cipher.js';
import type { Database } from '../database.js';
import type { RetryWhileUnavailable } from '../database-away.js';
import type { Due, Enqueue, RunningJob } from '../deps.js';
import { openNextDispatch } from '../dispatch/dispatch-next.js';
import type { AttemptTrigger } from '../generated/prisma/client.js';
import type { Log } from '../log.js';
import type { ConcurrencyLimiter } from '../throttle/concurrency-limiter.js';
import { openDeferrals } from '../throttle/defer-deliveries.js';
import { decide } from './decide.js';
import { type AttemptReport, type LoadedDelivery, isUrgent } from '../deliveries/delivery.js';
import { type EndWithoutAttempt, endWithoutAttempt } from './end-without-attempt.js';
import { followAttempt } from './follow-attempt.js';
import { openLoads } from './load-deliveries.js';
import { postDelivery } from './post-delivery.js';
import { type Recorded, openRecords } from './record-attempts.js';
import { reportAttempt } from './report-attempt.js';
import { retryPolicyOf, type RetryRules } from './retry-policy.js';
import { type DeferredFor, whyNotAttempt } from './why-not-attempt.js';

/** How the job ends for a delivery. attempted: the POST was made and recorded. */
export type AttemptEnd = { end: 'attempted'; report: AttemptReport } | EndWithoutAttempt;

export interface AttemptOptions {
  db: Database;
  cipher: Cipher;
  enqueue: Enqueue;
  post: (request: PostRequest) => Promise<PostResult>;
  log: Log;
  /** Share one per process and database, so that an outage is logged once. */
  retryWhileUnavailable: RetryWhileUnavailable;
  /** For subscriptions without a policy of their own, and the limits of the others. */
  retries: RetryRules;
  /** A subscription without success for this long is disabled when a delivery exhausts its attempts. */
  failingAfterMs: number;
  /** Whether the response header `webhook-delivery: disable` disables the subscription. Default: false. */
  honorDisableHeader?: boolean;
  /** Returns the header `traceparent` of an attempt. Default: not sent. */
  traceparent?: (delivery: LoadedDelivery, attemptNumber: number) => string;
  /** Bounds the attempts that this process has in flight for each subscription. */
  limiter: ConcurrencyLimiter;
  random?: () => number;
  observe?: AttemptObserver;
}

export interface AttemptObserver {
  /** `size` deliveries shared one statement. */
  shared?(operation: 'load' | 'record', size: number): void;
  /** A delivery was returned to the ledger. */
  deferred?(why: DeferredFor): void;
  attempted?(attempt: ObservedAttempt): void;
}

export interface ObservedAttempt {
  delivery: LoadedDelivery;
  trigger: AttemptTrigger;
  result: PostResult;
  recorded: Recorded;
  deliverySeconds: number;
  attemptNumber: number;
  /** When the worker began to load the delivery, by performance.now(). */
  readAt: number;
  job: RunningJob | undefined;
}

type OwnDue = Due & { isStillOurs?: () => Promise<boolean>; job?: RunningJob };

export interface Attempter {
  /** Makes one attempt of a delivery: load, fence, POST, decide, record; resolves after the record is committed.
   *  Safe to repeat: a second run for the same attempt is skipped. If both have already posted, one of them is
   *  recorded.
   *  While the database is unavailable, it keeps the result and waits. `signal` (we are shutting down) ends the POST
   *  as `aborted`.
   *  `isStillOurs`: whether no other worker has the job; called before a POST if the delivery was loaded long ago.
   *  Default: true.
   *  Throws only for bugs, and if the database stays unavailable past a shutdown. Then the queue or the dispatcher
   *  repeats the attempt. */
  attempt(due: OwnDue, signal: AbortSignal): Promise<AttemptEnd>;
  /** Writes deferrals that are not written yet. Call it before the process ends. */
  drain(): Promise<void>;
}

/** A delivery that was loaded longer ago may have changed: the process was suspended, or it waited for a slot. */
const STALE_MS = 2_000;

/** lost: the job's lock expired, and another worker may make the same attempt · look: load the delivery again, but
 *  only once. If the process is always this slow, a third check would not help. */
async function afterLongWait({ isStillOurs }: OwnDue, isSecondLook: boolean): Promise<'lost' | 'look' | 'post'> {
  if (isStillOurs && !(await isStillOurs())) return 'lost';
  return isSecondLook ? 'post' : 'look';
}

export function openAttempter(options: AttemptOptions): Attempter {
  const { db, retryWhileUnavailable, limiter, log, retries, honorDisableHeader = false, observe } = options;
  const { failingAfterMs, random = Math.random } = options;
  const posting = { ...options, random, cipher: rememberOpened(options.cipher) };
  const deferrals = openDeferrals({ pool: db.pool, retryWhileUnavailable });
  const endDeps = { ...options, deferrals };
  const followDeps = { ...options, next: openNextDispatch(options) };
  const loads = openLoads(db.pool, (size) => observe?.shared?.('load', size));
  const records = openRecords(db.pool, { failingAfterMs, observe: (size) => observe?.shared?.('record', size) });

  async function attempt(due: OwnDue, signal: AbortSignal, isSecondLook = false): Promise<AttemptEnd> {
    const { id, attemptNumber } = due;
    const readAt = performance.now();
    const delivery = await retryWhileUnavailable(() => loads.add(id), signal);
    if (!delivery) return { end: 'skipped', why: 'finished' };
    const whyNot = whyNotAttempt(delivery, due, isSecondLook);
    if (whyNot) return endWithoutAttempt(endDeps, delivery, whyNot);

    const { subscriptionId, failureCount, url } = delivery;
    const { waitsMs, timeoutMs } = retryPolicyOf(delivery, retries);
    const slot = isUrgent(delivery.requestedTrigger)
      ? limiter.acquireNow(subscriptionId)
      : await limiter.acquire(subscriptionId);
    if (!slot) return endWithoutAttempt(endDeps, delivery, 'slots');
    if (performance.now() - readAt > STALE_MS) {
      const next = await afterLongWait(due, isSecondLook);
      if (next !== 'post') slot.release();
      if (next === 'lost') return { end: 'skipped', why: 'superseded' };
      if (next === 'look') return attempt(due, signal, true);
    }

    const eventId = toTypeId('evt', delivery.eventId);
    const trigger = delivery.requestedTrigger ?? 'auto';
    const traceparent = options.traceparent?.(delivery, attemptNumber);
    const sent = { eventId, timeoutMs, signal, traceparent };
    const result = await postDelivery(posting, delivery, sent).finally(() => slot.release());
    const turn = { failureCount, waitsMs, random: random(), now: new Date(), honorDisableHeader };
    const decision = decide(result, turn);

    const record = { delivery, attemptNumber, trigger, url, result, decision };
    const recorded = await retryWhileUnavailable(() => records.add(record), signal);
    if (!recorded) return { end: 'skipped', why: 'superseded' };
    const made = { delivery, eventId, attemptNumber, trigger, result, recorded };
    const report = reportAttempt(log, made);
    const deliverySeconds = (delivery.publishedMsAgo + result.durationMs) / 1_000;
    const { job } = due;
    observe?.attempted?.({ delivery, trigger, result, recorded, deliverySeconds, attemptNumber, readAt, job });
    await followAttempt(followDeps, made);
    return { end: 'attempted', report };
  }

  return { attempt: (due, signal) => attempt(due, signal), drain: () => deferrals.drain() };
}
