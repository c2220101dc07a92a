import { setTimeout as pause } from 'node:timers/promises';
import type { PostRequest, PostResult } from '@posthorn/sender';
import { toTypeId } from '@posthorn/contract';
import { type Batch, openBatch } from '../batch.js';
import { type Cipher, rememberOpened } from '../cipher.js';
import type { Database } from '../database.js';
import type { RetryWhileUnavailable } from '../database-away.js';
import type { Due, Enqueue } from '../deps.js';
import type { AttemptTrigger } from '../generated/prisma/client.js';
import type { Log } from '../log.js';
import { settleAgain, settleStep } from '../settle/settle-step.js';
import { openHeaders } from '../secrets/own-headers.js';
import type { ConcurrencyLimiter } from '../throttle/concurrency-limiter.js';
import { openDeferrals } from '../throttle/defer-deliveries.js';
import { decide } from './decide.js';
import { type AttemptReport, type LoadedDelivery, isUrgent } from '../deliveries/delivery.js';
import { loadDeliveries } from './load-deliveries.js';
import { giveUpErased } from './give-up-erased.js';
import { type AttemptRecord, LONGEST_QUEUED_WAIT_MS, type Recorded, recordAttempts } from './record-attempts.js';

/** How a job of the queue ends.
 *  attempted: the POST was made and recorded · skipped: there was nothing to do, `why` says it (finished: or deleted) · deferred: its
 *  subscription has no slot, or its circuit is not closed; the dispatcher leases it again · early: its time has not come by the
 *  database's clock, look again in `inMs`. */
export type AttemptEnd =
  | { end: 'attempted'; report: AttemptReport }
  | { end: 'skipped'; why: 'finished' | 'superseded' | 'held' | 'not_active' | 'erased' }
  | { end: 'deferred'; why: DeferredFor }
  | { end: 'early'; inMs: number };

/** As in the states of waiting: `deferred_slots`, `deferred_circuit_open`. */
export type DeferredFor = 'slots' | 'circuit_open';

export interface AttemptOptions {
  db: Database;
  cipher: Cipher;
  enqueue: Enqueue;
  post: (request: PostRequest) => Promise<PostResult>;
  log: Log;
  /** Shared by all that a process has on one database, so that its absence is said once. */
  retryWhileUnavailable: RetryWhileUnavailable;
  /** The whole attempt, the body of the answer included. */
  timeoutMs: number;
  /** The wait after each failure. */
  waitsMs: readonly number[];
  /** A subscription that exhausts a delivery and had no success for so long is disabled. */
  failingAfterMs: number;
  /** A receiver may also ask for its end by the header `webhook-delivery: disable`. */
  honorDisableHeader?: boolean;
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
  attempted?(attempt: {
    trigger: AttemptTrigger;
    result: PostResult;
    recorded: Recorded;
    deliverySeconds: number;
    attemptNumber: number;
  }): void;
}

export interface Attempter {
  /** Makes one attempt of a delivery: load, fence, POST, decide, record, and only then resolve. Safe to repeat: a second
   *  run for the same attempt is skipped, and where both had posted already, one of the two is recorded.
   *  While the database is away it waits, holding the result; `signal` (we are shutting down) ends the POST as `aborted`.
   *  Throws only for bugs, and for a database that stays away past a shutdown: then the queue or the dispatcher repeats it. */
  attempt(due: Due, signal: AbortSignal): Promise<AttemptEnd>;
  /** Writes what is deferred and not written yet: the process ends. */
  drain(): Promise<void>;
}

const EARLY_MS = 20; // a timer's slack; what is due sooner is due now
/** What was read so long ago may have changed: our process was stopped, or there was no room. */
const STALE_MS = 2_000;
/** Of the deadline, how much later a timeout is recorded at most. */
const ENDS_APART = 0.05;

export function openAttempter(options: AttemptOptions): Attempter {
  const {
    db,
    post,
    log,
    retryWhileUnavailable,
    limiter,
    timeoutMs,
    waitsMs,
    failingAfterMs,
    random = Math.random,
    observe,
  } = options;
  const { honorDisableHeader = false } = options;
  const cipher = rememberOpened(options.cipher);
  const loads: Batch<string, LoadedDelivery | null> = openBatch({
    maxSize: 500,
    maxRuns: 2,
    run: (ids) => loadDeliveries(db.pool, ids),
    observe: (size) => observe?.shared?.('load', size),
  });
  const records: Batch<AttemptRecord, Recorded | null> = openBatch({
    maxSize: 200,
    maxRuns: 2,
    run: (batch) => recordAttempts(db.pool, batch, { failingAfterMs }),
    observe: (size) => observe?.shared?.('record', size),
  });

  const deferrals = openDeferrals({ pool: db.pool, retryWhileUnavailable });

  async function attempt(due: Due, signal: AbortSignal, isSecondLook = false): Promise<AttemptEnd> {
    const { id, attemptNumber, leasedUntil } = due;
    const readAt = performance.now();
    const delivery = await retryWhileUnavailable(() => loads.add(id), signal);
    if (!delivery) return { end: 'skipped', why: 'finished' };
    if (delivery.attemptCount !== attemptNumber - 1) return { end: 'skipped', why: 'superseded' };
    // It was leased again, so another job has it. Not at the second look: meanwhile the queue gives it to nobody else.
    if (leasedUntil !== undefined && leasedUntil !== delivery.leasedUntil && !isSecondLook)
      return { end: 'skipped', why: 'superseded' };
    const urgent = isUrgent(delivery.askedTrigger);
    if (!urgent) {
      if (delivery.status !== 'pending') return { end: 'skipped', why: 'held' };
      if (delivery.isDeleted || delivery.subscriptionStatus !== 'active') return settleAndSkip(delivery);
      if (delivery.dueInMs !== null && delivery.dueInMs > EARLY_MS) return { end: 'early', inMs: delivery.dueInMs };
    } else if (delivery.isDeleted) {
      return settleAndSkip(delivery);
    }

    if (delivery.body.length === 0) {
      await giveUpErased(db.pool, { id });
      return { end: 'skipped', why: 'erased' };
    }
    if (delivery.isHeldBack && !urgent) return defer(delivery, 'circuit_open', null);
    const slot = urgent ? limiter.acquireNow(delivery.subscriptionId) : await limiter.acquire(delivery.subscriptionId);
    if (!slot) return defer(delivery, 'slots', limiter.capacityOf(delivery.subscriptionId));
    // Once more only: where all takes so long, it is not for this.
    if (!isSecondLook && performance.now() - readAt > STALE_MS) {
      slot.release();
      return attempt(due, signal, true);
    }

    const eventId = toTypeId('evt', delivery.eventId);
    const trigger = delivery.askedTrigger ?? 'auto';
    const result = await post({
      url: delivery.url,
      webhookId: eventId,
      body: delivery.body,
      secrets: delivery.secretsSealed.map((sealed) => cipher.open(sealed, `secret:${delivery.subscriptionId}`)),
      headers: openHeaders({ cipher }, delivery.subscriptionId, delivery.headersSealed),
      timeoutMs,
      signal,
    })
      .then((posted) => (urgent ? posted : endApart(posted, signal)))
      .finally(() => slot.release());
    const decision = decide(result, {
      failureCount: delivery.failureCount,
      waitsMs,
      random: random(),
      now: new Date(),
      honorDisableHeader,
    });

    const recorded = await retryWhileUnavailable(
      () => records.add({ delivery, attemptNumber, trigger, url: delivery.url, result, decision }),
      signal,
    );
    if (!recorded) return { end: 'skipped', why: 'superseded' };
    const report = toReport(delivery, { eventId, attemptNumber, result, recorded });
    log.info(
      {
        ...report,
        eventType: delivery.eventType,
        receiverHost: new URL(delivery.url).host,
        trigger,
        durationMs: Math.round(result.durationMs),
        nextInMs: recorded.nextInMs === null ? null : Math.round(recorded.nextInMs),
      },
      'delivery.attempted',
    );
    const deliverySeconds = (delivery.publishedMsAgo + result.durationMs) / 1_000;
    observe?.attempted?.({ trigger, result, recorded, deliverySeconds, attemptNumber });
    await follow(delivery, attemptNumber, recorded);
    return { end: 'attempted', report };
  }

  /** What hung together ends together, and to write a hundred results keeps us from what is new: so each waits a little, by chance. */
  async function endApart(result: PostResult, signal: AbortSignal): Promise<PostResult> {
    if (result.outcome === 'timeout')
      await pause(timeoutMs * ENDS_APART * random(), undefined, { signal }).catch(() => {});
    return result;
  }

  function defer(delivery: LoadedDelivery, why: DeferredFor, capacity: number | null): AttemptEnd {
    deferrals.defer(delivery, capacity);
    observe?.deferred?.(why);
    return { end: 'deferred', why };
  }

  /** The subscription receives nothing now: what it is owed follows its state, if the change did not see it. */
  async function settleAndSkip({ subscriptionId }: LoadedDelivery): Promise<AttemptEnd> {
    await settleAgain(db.pool, { subscriptionId });
    return { end: 'skipped', why: 'not_active' };
  }

  /** After the commit: what a lost process leaves undone here, the dispatcher does. */
  async function follow(
    { id, subscriptionId }: LoadedDelivery,
    attemptNumber: number,
    { nextInMs, leasedUntil, isLeftToDispatcher, disabled }: Recorded,
  ): Promise<void> {
    if (disabled) {
      log.warn({ subscriptionId, reason: disabled }, 'subscription.disabled');
      await settleStep(db.pool, { subscriptionId });
    } else if (!isLeftToDispatcher && nextInMs !== null && nextInMs <= LONGEST_QUEUED_WAIT_MS) {
      await options.enqueue('retry', [
        {
          id,
          attemptNumber: attemptNumber + 1,
          delayMs: Math.max(0, Math.ceil(nextInMs)),
          ...(leasedUntil !== null && { leasedUntil }),
        },
      ]);
    }
  }

  return { attempt: (due, signal) => attempt(due, signal), drain: () => deferrals.drain() };
}

function toReport(
  delivery: LoadedDelivery,
  {
    eventId,
    attemptNumber,
    result,
    recorded,
  }: { eventId: string; attemptNumber: number; result: PostResult; recorded: Recorded },
): AttemptReport {
  return {
    deliveryId: toTypeId('dlv', delivery.id),
    eventId,
    subscriptionId: toTypeId('sub', delivery.subscriptionId),
    accountId: delivery.accountId,
    attemptNumber,
    outcome: result.outcome,
    statusCode: result.statusCode,
    deliveryStatus: recorded.status,
  };
}
