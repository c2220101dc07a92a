import { idTime, lowestId } from '../id.js';

// The key of an attempt begins with its delivery. Most attempts run within moments of their delivery, so recent
// attempts are among the latest deliveries. Only the others, the late ones, are in an index by their own ids. A
// delivery that succeeds at once thus has one index entry less.

const LATE_MS = 10_000;
/** A delivery's id has the time of an API's clock, an attempt's id that of a worker's. */
const AHEAD_MS = 10_000;
const CLOCK_STEP_MS = 1_000;

/** Returns whether an attempt recorded now is late: its delivery is older than LATE_MS, or far ahead because a clock
 *  is wrong. */
export const isLate = (deliveryId: string): boolean =>
  deliveryId < lowestId(new Date(Date.now() - LATE_MS)) || deliveryId > lowestId(new Date(Date.now() + AHEAD_MS));

/** Attempts from this id on are late, or belong to deliveries from the returned id on. */
export const firstDeliveryOf = (attemptId: string): string =>
  lowestId(new Date(idTime(attemptId).getTime() - LATE_MS - CLOCK_STEP_MS));

/** An attempt with this id is late, or belongs to a delivery before the returned id. */
export const afterDeliveryOf = (attemptId: string): string =>
  lowestId(new Date(idTime(attemptId).getTime() + AHEAD_MS + CLOCK_STEP_MS));
