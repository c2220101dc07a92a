import type { Due } from '../deps.js';
import { type LoadedDelivery, isUrgent } from '../deliveries/delivery.js';

/** There is nothing to do. finished: or deleted · superseded: another job has the attempt, or made it. */
export type SkippedFor = 'finished' | 'superseded' | 'held' | 'not_active' | 'erased';

/** As in the states of waiting: `deferred_slots`, `deferred_circuit_open`. */
export type DeferredFor = 'slots' | 'circuit_open';

const EARLY_MS = 20; // a timer's slack; what is due sooner is due now

// the fence: the attempt is not the next one                             superseded
// it was leased again (not at the second look)                           superseded
// its lease is over, in a strict order                                   superseded
// not pending                                                            held           †
// its subscription or account is deleted                                 not_active
// its subscription is paused or disabled                                 not_active     †
// it is not due by the database's clock                                  early          †
// its payload is erased                                                  erased
// the circuit of its subscription is not closed, and it is not the probe circuit_open   †
// otherwise                                                              null
// †: holds back nothing that a person asked for
/** Pure: why a job does not attempt the delivery that it names now; null: it does, if there is a slot. `isSecondLook`: the
 *  delivery was loaded before, for the same job; since then the queue gives the attempt to no other job. */
export function whyNotAttempt(
  delivery: LoadedDelivery,
  { attemptNumber, leasedUntil }: Due,
  isSecondLook: boolean,
): SkippedFor | DeferredFor | 'early' | null {
  if (delivery.attemptCount !== attemptNumber - 1) return 'superseded';
  if (leasedUntil !== undefined && leasedUntil !== delivery.leasedUntil && !isSecondLook) return 'superseded';
  if (delivery.isTurnOver) return 'superseded';
  const urgent = isUrgent(delivery.askedTrigger);
  if (delivery.status !== 'pending' && !urgent) return 'held';
  if (delivery.isDeleted) return 'not_active';
  if (delivery.subscriptionStatus !== 'active' && !urgent) return 'not_active';
  if (delivery.dueInMs !== null && delivery.dueInMs > EARLY_MS && !urgent) return 'early';
  if (delivery.body.length === 0) return 'erased';
  return delivery.isHeldBack && !urgent ? 'circuit_open' : null;
}
