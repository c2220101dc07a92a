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

/** After the attempt is committed: enqueues the next one, dispatches the next delivery of a strict order, or cancels
 *  pending deliveries if the attempt disabled the subscription. If the process ends before that, the dispatcher and
 *  the settlements do it. */
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
