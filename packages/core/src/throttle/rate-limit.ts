/** The rate limit of a subscription: at most `rate_limit` attempts per second, over all workers. It is the generic cell rate algorithm
 *  (ITU-T I.371) without burst. Its state is one moment, `next_slot_at`: the next turn that is not given out.
 *
 *  event                               effect
 *  the dispatcher leases n deliveries  they get the turns from `next_slot_at` (or now, if that is past) on, 1 / rate_limit s apart;
 *                                      `next_slot_at` is the turn after these
 *  a turn comes                        the job of the delivery, which was delayed until then, runs
 *  the limit changes or is removed     turns given out before stay as they are
 *
 *  Turns are given out at most TURNS_AHEAD_SECONDS ahead: so the rate is kept however late a round of the dispatcher is, a delivery
 *  is moved once, and a new limit holds soon. A turn that is not used is lost. Only the dispatcher gives turns out, one process at a time to a subscription;
 *  a publish and a retry leave theirs to it. */

export const TURNS_AHEAD_SECONDS = 2;

/** SQL: the first turn of the subscription that can be given out now. */
export const firstTurnOf = (subscription: string): string => `greatest(${subscription}.next_slot_at, now())`;

/** SQL: how many turns can be given out now; null without a limit. */
export const turnsLeft = ({ firstTurn, rate }: { firstTurn: string; rate: string }): string =>
  `floor(extract(epoch FROM now() + interval '${TURNS_AHEAD_SECONDS} seconds' - ${firstTurn}) * ${rate})`;

/** SQL: the turn that comes `after` others; null without a limit. */
export const turnAfter = (after: string, { firstTurn, rate }: { firstTurn: string; rate: string }): string =>
  `${firstTurn} + ${after} / ${rate}::float8 * interval '1 second'`;

/** SQL: from when on the turn can be given out. */
export const turnFreeAt = ({ firstTurn, rate }: { firstTurn: string; rate: string }): string =>
  `${firstTurn} + interval '1 second' / ${rate} - interval '${TURNS_AHEAD_SECONDS} seconds'`;
