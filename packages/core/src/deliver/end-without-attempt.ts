import type { Database } from '../database.js';
import type { LoadedDelivery } from '../deliveries/delivery.js';
import { settleAgain } from '../settle/settle-step.js';
import type { ConcurrencyLimiter } from '../throttle/concurrency-limiter.js';
import type { Deferrals } from '../throttle/defer-deliveries.js';
import { giveUpErased } from './give-up-erased.js';
import type { DeferredFor, SkippedFor } from './why-not-attempt.js';

/** skipped: nothing to do · deferred: the subscription has no free slot, or its circuit is not closed; the
 *  dispatcher leases the delivery again · early: not due yet by the database's clock; look again in `inMs`. */
export type EndWithoutAttempt =
  | { end: 'skipped'; why: SkippedFor }
  | { end: 'deferred'; why: DeferredFor }
  | { end: 'early'; inMs: number };

interface EndDeps {
  db: Database;
  deferrals: Deferrals;
  limiter: ConcurrencyLimiter;
  observe?: { deferred?(why: DeferredFor): void };
}

/** Does what the reason requires instead of an attempt. Safe to repeat. */
export function endWithoutAttempt(
  { db, deferrals, limiter, observe }: EndDeps,
  delivery: LoadedDelivery,
  why: SkippedFor | DeferredFor | 'early',
): EndWithoutAttempt | Promise<EndWithoutAttempt> {
  const { id, subscriptionId } = delivery;
  switch (why) {
    case 'early':
      return { end: 'early', inMs: delivery.dueInMs ?? 0 };
    case 'slots':
    case 'circuit_open':
      deferrals.defer(delivery, why === 'slots' ? limiter.capacityOf(subscriptionId) : null);
      observe?.deferred?.(why);
      return { end: 'deferred', why };
    case 'not_active':
      // If the change of the subscription missed this delivery, settle it now.
      return settleAgain(db.pool, { subscriptionId }).then(() => ({ end: 'skipped', why }));
    case 'erased':
      return giveUpErased(db.pool, { id }).then(() => ({ end: 'skipped', why }));
    case 'finished':
    case 'superseded':
    case 'held':
      return { end: 'skipped', why };
    default:
      return why satisfies never;
  }
}
