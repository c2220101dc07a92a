/** How many deliveries of a subscription may be with the queue and the workers at once, as long as it answers well. (The
 *  column's default and its check say the same.) */
export const MAX_CONCURRENCY = 1_000;

/** Of these, how many the dispatcher may bring: what is published while it brings a backlog goes to the queue, too, and before it. */
export const FED_AT_ONCE = 500;

/** After a rest it is loaded slowly at first, twice as much each second that it succeeds. */
export const GENTLE_START = 8;
