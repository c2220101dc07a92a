/** The circuit breaker of a subscription. While it is not closed, deliveries wait in Postgres: they use no slot and no attempt of
 *  their schedule. Attempts that a person requests are still sent.
 *
 *  state      circuit_open_until  entered when                               left when
 *  closed     null                at first; any attempt succeeds;            failures in a row weigh OPENS_AT → open
 *                                 the subscription is resumed
 *  open       in the future       the failures weigh OPENS_AT;               the time is over → half-open;
 *                                 the probe fails (twice as long as before)  an attempt succeeds → closed
 *  half-open  in the past         the time is over                           the probe succeeds → closed, or fails → open
 *
 *  A timeout weighs TIMEOUT_WEIGHT failures, because it occupies a worker for the whole timeout; so ten failures or three timeouts
 *  open the circuit. It stays open for 15 s, 30 s, 1, 2, 4, 8, 10, 10 … min, each ± 10 %, so that subscriptions that failed
 *  together are not probed together. The dispatcher chooses the probe (`probe_id`): the oldest delivery that may be sent.
 *  A probe that our shutdown aborts is neither a success nor a failure.
 *
 *  The transitions are SQL because they need the locked row: two workers may record results of one subscription at once.
 *  So throttle.db.test.ts tests each row of this table on Postgres; no unit test can run them.
 *  The expressions read the subscription `s` and the verdict `v` on the attempts of one statement (deliver/record-attempts.ts):
 *  `v.succeeded` (an attempt succeeded), `v.is_bad` (attempts failed and none succeeded), `v.weight` (of the failures), `v.ids` (the
 *  deliveries). A success among failures counts as a success. */

const OPENS_AT = 10;
const TIMEOUT_WEIGHT = 4;
const FIRST_OPEN_SECONDS = 15;
const LONGEST_OPEN_SECONDS = 600;

/** SQL: how much a failure with this outcome weighs. */
export const weightOf = (outcome: string): string => `CASE ${outcome} WHEN 'timeout' THEN ${TIMEOUT_WEIGHT} ELSE 1 END`;

/** SQL: the circuit of the subscription is closed. */
export const isClosed = (subscription: string): string => `${subscription}.circuit_open_until IS NULL`;

/** SQL: the circuit of the subscription is closed or half-open, so something may be sent. */
export const isNotOpen = (subscription: string): string =>
  `(${subscription}.circuit_open_until IS NULL OR ${subscription}.circuit_open_until <= now())`;

/** SQL: the circuit of `s` is not closed, and the delivery `d` is not its probe. */
export const IS_DEFERRED_BY_CIRCUIT = `s.circuit_open_until IS NOT NULL AND s.probe_id IS DISTINCT FROM d.id`;

/** SQL: a success changes the circuit of `s`. */
export const HAS_FAILURES = `(s.failure_streak > 0 OR s.circuit_open_until IS NOT NULL)`;

/** SQL: the verdict opens the circuit of `s`, from closed or half-open. Select it as `opens`, for SET_CIRCUIT. */
export const OPENS = `v.is_bad AND (
      coalesce(s.probe_id = ANY (v.ids), false) OR s.circuit_open_until IS NULL AND s.failure_streak + v.weight >= ${OPENS_AT})`;

/** SQL: the columns of `s` after attempts. `v` includes `opens`. */
export const SET_CIRCUIT = `
    failure_streak = CASE WHEN v.succeeded THEN 0 ELSE s.failure_streak + v.weight END,
    circuit_open_until = CASE
      WHEN v.succeeded THEN NULL
      WHEN v.opens THEN now() + least(${LONGEST_OPEN_SECONDS}, ${FIRST_OPEN_SECONDS} * 2 ^ least(s.circuit_opened_count, 20))
        * (0.9 + 0.2 * random()) * interval '1 second'
      ELSE s.circuit_open_until
    END,
    circuit_opened_count = CASE WHEN v.succeeded THEN 0 ELSE s.circuit_opened_count + v.opens::int END,
    probe_id = CASE WHEN NOT v.succeeded AND NOT v.opens THEN s.probe_id END`;

/** SQL: the columns of a subscription that is resumed. */
export const CLOSE_CIRCUIT = `failure_streak = 0, circuit_open_until = NULL, circuit_opened_count = 0, probe_id = NULL`;
