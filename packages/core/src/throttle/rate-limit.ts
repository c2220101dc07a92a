/** The rate limit of a subscription: at most `rate_limit` attempts per second, over all workers. It is the generic cell rate algorithm
 *  (ITU-T I.371) without bursts. Its state is one timestamp, `next_slot_at`: the next free turn.
 *
 *  event                               effect
 *  the dispatcher leases n deliveries  they get the turns from `next_slot_at` (or now, if that is past) on, 1 / rate_limit s apart;
 *                                      `next_slot_at` is the turn after these
 *  a turn comes                        the job of the delivery, which was delayed until then, runs
 *  the limit changes or is removed     reserved turns stay as they are
 *
 *  Turns are reserved at most TURNS_AHEAD_SECONDS ahead. This keeps the rate even if a round of the dispatcher is late, moves each
 *  delivery once, and applies a new limit soon. Unused turns are lost. Only the dispatcher reserves turns, one process at a time
 *  per subscription; publishes and retries of a limited subscription go through it.
 *
 *  The turns are SQL because the lease that uses them is one statement with Postgres' clock. So throttle.db.test.ts tests them on
 *  Postgres; no unit test can run them. */

export const TURNS_AHEAD_SECONDS = 2;

/** SQL: the first turn of the subscription that can be reserved now. */
export const firstTurnOf = (subscription: string): string => `greatest(${subscription}.next_slot_at, now())`;

/** SQL: how many turns can be reserved now; null without a limit. */
export const turnsLeft = ({ firstTurn, rate }: { firstTurn: string; rate: string }): string =>
  `floor(extract(epoch FROM now() + interval '${TURNS_AHEAD_SECONDS} seconds' - ${firstTurn}) * ${rate})`;

/** SQL: the turn `after` that many others; null without a limit. */
export const turnAfter = (after: string, { firstTurn, rate }: { firstTurn: string; rate: string }): string =>
  `${firstTurn} + ${after} / ${rate}::float8 * interval '1 second'`;

/** SQL: when the turn can be reserved. */
export const turnFreeAt = ({ firstTurn, rate }: { firstTurn: string; rate: string }): string =>
  `${firstTurn} + interval '1 second' / ${rate} - interval '${TURNS_AHEAD_SECONDS} seconds'`;
