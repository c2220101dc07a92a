import type { Due } from '../deps.js';
import { type LoadedDelivery, isUrgent } from '../deliveries/delivery.js';

/** Nothing to do. finished: or deleted · superseded: another job makes or made the attempt. */
export type SkippedFor = 'finished' | 'superseded' | 'held' | 'not_active' | 'erased';

/** Matches the waiting states `deferred_slots` and `deferred_circuit_open`. */
export type DeferredFor = 'slots' | 'circuit_open';

const EARLY_MS = 20; // timers are imprecise: a delivery that is due sooner is due now

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
// †: does not apply to an attempt that a person requested
/** Pure. Returns why a job does not attempt its delivery now; null: it does, if a slot is free.
 *  `isSecondLook`: the job loads the delivery again, so a different lease belongs to this job. */
export function whyNotAttempt(
  delivery: LoadedDelivery,
  { attemptNumber, leasedUntil }: Due,
  isSecondLook: boolean,
): SkippedFor | DeferredFor | 'early' | null {
  if (delivery.attemptCount !== attemptNumber - 1) return 'superseded';
  if (leasedUntil !== undefined && leasedUntil !== delivery.leasedUntil && !isSecondLook) return 'superseded';
  if (delivery.isTurnOver) return 'superseded';
  const urgent = isUrgent(delivery.requestedTrigger);
  if (delivery.status !== 'pending' && !urgent) return 'held';
  if (delivery.isDeleted) return 'not_active';
  if (delivery.subscriptionStatus !== 'active' && !urgent) return 'not_active';
  if (delivery.dueInMs !== null && delivery.dueInMs > EARLY_MS && !urgent) return 'early';
  if (delivery.body.length === 0) return 'erased';
  return delivery.isDeferredByCircuit && !urgent ? 'circuit_open' : null;
}
