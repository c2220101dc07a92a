import { idTime, lowestId } from '../id.js';

// Attempts are keyed by their delivery. Most are made within moments of it, so those of the last seconds lie among the last
// deliveries, and only the others, the late ones, are in an index by their own ids: what succeeds at once has one entry less.

const LATE_MS = 10_000;
/** A delivery's id has the time of an API's clock, an attempt's that of a worker's. */
const AHEAD_MS = 10_000;
const CLOCK_STEP_MS = 1_000;

/** An attempt that is recorded now is late: its delivery is older than LATE_MS, or (a clock is wrong) far ahead. */
export const isLate = (deliveryId: string): boolean =>
  deliveryId < lowestId(new Date(Date.now() - LATE_MS)) || deliveryId > lowestId(new Date(Date.now() + AHEAD_MS));

/** Attempts with this id or a later one are late, or of deliveries from this id on. */
export const firstDeliveryOf = (attemptId: string): string =>
  lowestId(new Date(idTime(attemptId).getTime() - LATE_MS - CLOCK_STEP_MS));

/** An attempt with this id is late, or of a delivery before this id. */
export const afterDeliveryOf = (attemptId: string): string =>
  lowestId(new Date(idTime(attemptId).getTime() + AHEAD_MS + CLOCK_STEP_MS));
