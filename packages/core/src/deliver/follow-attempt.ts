import type { Database } from '../database.js';
import type { Enqueue } from '../deps.js';
import type { Log } from '../log.js';
import type { NextDispatch } from '../dispatch/dispatch-next.js';
import { settleStep } from '../settle/settle-step.js';
import { LONGEST_QUEUED_WAIT_MS } from './record-attempts.js';
import type { RecordedAttempt } from './report-attempt.js';

interface FollowDeps {
  db: Database;
  enqueue: Enqueue;
  log: Log;
  next: NextDispatch;
}

/** After an attempt is committed: enqueues the next one, lets the next delivery of a strict order go, or cancels what is
 *  pending for a subscription that it disabled. The dispatcher and the settlements do what a lost process leaves undone here. */
export async function followAttempt(
  { db, enqueue, log, next }: FollowDeps,
  { delivery, attemptNumber, recorded }: RecordedAttempt,
): Promise<void> {
  const { id, subscriptionId } = delivery;
  const { nextInMs, leasedUntil, isLeftToDispatcher, disabled, nextInShard } = recorded;
  if (disabled) {
    log.warn({ subscriptionId, reason: disabled }, 'subscription.disabled');
    await settleStep(db.pool, { subscriptionId });
  } else if (!isLeftToDispatcher && nextInMs !== null && nextInMs <= LONGEST_QUEUED_WAIT_MS) {
    await enqueue('retry', [
      {
        id,
        attemptNumber: attemptNumber + 1,
        delayMs: Math.max(0, Math.ceil(nextInMs)),
        ...(leasedUntil !== null && { leasedUntil }),
      },
    ]);
  }
  if (nextInShard !== null) await next.look(nextInShard);
}
