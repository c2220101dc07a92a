import type { Accepted } from './producer.js';
import type { Seen } from './endpoint.js';

/** What the judge reads of an event with a 202. */
export type AcceptedEvent = Pick<Accepted, 'id' | 'sentAt' | 'isForSlow'>;

/** The two ledgers, and the times of faults. */
export interface Evidence {
  /** The producer's: every 202. */
  accepted: AcceptedEvent[];
  /** The endpoint's: every request. */
  seen: Seen[];
  /** The times at which a part was broken. */
  faultTimes: number[];
  /** When the part was back, so that the flow should become normal again. */
  backAt: number;
  /** How much longer a POST is in flight than the endpoint sees it. Default: IN_FLIGHT_MARGIN_MS. */
  inFlightMarginMs?: number;
  /** An event is prompt if it arrives at the healthy endpoint this soon after its first publish call. Default: PROMPT_MS. */
  promptMs?: number;
}

export interface Verdict {
  /** Events with a 202. */
  accepted: number;
  /** Of these, how many arrived at each of their endpoints, and how many did not. */
  delivered: number;
  lost: number;
  /** Delivered events without a 202: stored twice for one idempotency key. */
  storedTwice: number;
  /** Requests beyond the first for one delivery. */
  duplicates: number;
  /** POSTs in flight at a fault. At-least-once delivery may repeat only these. */
  inFlight: number;
  /** Duplicates whose earlier request was not in flight at any fault. */
  unexplained: number;
  /** From the part's return until every later event arrives promptly. */
  normalAfterMs: number;
  /** From the part's return until all earlier events have arrived. */
  caughtUpAfterMs: number;
}

/** On a quiet machine. */
export const PROMPT_MS = 1_000;

/** A POST is in flight a little longer than the endpoint sees it: before, it is on its way there; afterwards, its result is on its way
 *  to the ledger. At 200 events/s on a quiet machine that takes up to 50 ms. */
export const IN_FLIGHT_MARGIN_MS = 250;

export function judge({
  accepted,
  seen,
  faultTimes,
  backAt,
  inFlightMarginMs = IN_FLIGHT_MARGIN_MS,
  promptMs = PROMPT_MS,
}: Evidence): Verdict {
  const requests = byDelivery(seen);
  const isDelivered = isDeliveredIn(seen);
  const isInFlight = ({ at, doneAt }: Seen) =>
    faultTimes.some((time) => at <= time + inFlightMarginMs && (doneAt ?? Infinity) >= time - inFlightMarginMs);

  const delivered = accepted.filter(isDelivered).length;
  const known = new Set(accepted.map(({ id }) => id));
  const repeated = [...requests.values()].flatMap((ofOne) => ofOne.slice(0, -1));
  const arrivals = accepted.map(({ id, sentAt }) => {
    return { sentAt, arrivedAt: requests.get(`/healthy ${id}`)?.[0]?.at ?? Infinity };
  });
  const late = arrivals.filter(({ sentAt, arrivedAt }) => sentAt >= backAt && arrivedAt - sentAt > promptMs);
  return {
    accepted: accepted.length,
    delivered,
    lost: accepted.length - delivered,
    storedTwice: new Set(seen.map(({ id }) => id).filter((id) => !known.has(id))).size,
    duplicates: repeated.length,
    inFlight: seen.filter(isInFlight).length,
    unexplained: repeated.filter((one) => !isInFlight(one)).length,
    normalAfterMs: greatest(late.map(({ sentAt }) => sentAt - backAt)),
    caughtUpAfterMs: greatest(
      arrivals.filter(({ sentAt }) => sentAt < backAt).map(({ arrivedAt }) => arrivedAt - backAt),
    ),
  };
}

/** Whether the events published in the three seconds up to `promptMs` ago arrived promptly. A call that hangs longer is not normal,
 *  either. */
export function isNormal(
  { accepted, seen, promptMs = PROMPT_MS }: Pick<Evidence, 'accepted' | 'seen' | 'promptMs'>,
  oldestOpenAt: number,
): boolean {
  const until = Date.now() - promptMs;
  const lately = accepted.filter(({ sentAt }) => sentAt > until - 3_000 && sentAt <= until);
  const arrivedAt = new Map(seen.filter(({ path }) => path === '/healthy').map(({ id, at }) => [id, at]));
  return (
    oldestOpenAt > until &&
    lately.length > 0 &&
    lately.every(({ id, sentAt }) => (arrivedAt.get(id) ?? Infinity) - sentAt <= promptMs)
  );
}

/** Counts the events published since then that arrived at the healthy endpoint. */
export function countArrived({ accepted, seen }: Pick<Evidence, 'accepted' | 'seen'>, since: number): number {
  const arrived = new Set(seen.filter(({ path }) => path === '/healthy').map(({ id }) => id));
  return accepted.filter(({ id, sentAt }) => sentAt >= since && arrived.has(id)).length;
}

/** The longest time in ms from a publish call to the arrival at the healthy endpoint, as a measure of how busy the machine is. */
export function slowest({ accepted, seen }: Pick<Evidence, 'accepted' | 'seen'>): number {
  const arrivedAt = new Map(seen.filter(({ path }) => path === '/healthy').map(({ id, at }) => [id, at]));
  return greatest(accepted.map(({ id, sentAt }) => (arrivedAt.get(id) ?? sentAt) - sentAt));
}

/** Whether an event has arrived at each of its endpoints. */
export function isDeliveredIn(seen: Seen[]): (event: Pick<AcceptedEvent, 'id' | 'isForSlow'>) => boolean {
  const arrived = new Set(seen.map(({ path, id }) => `${path} ${id}`));
  return ({ id, isForSlow }) => arrived.has(`/healthy ${id}`) && (!isForSlow || arrived.has(`/slow ${id}`));
}

/** The requests for one delivery, in order of arrival. */
export function byDelivery(seen: Seen[]): Map<string, Seen[]> {
  const requests = new Map<string, Seen[]>();
  for (const one of seen) {
    const key = `${one.path} ${one.id}`;
    const others = requests.get(key);
    if (others) others.push(one);
    else requests.set(key, [one]);
  }
  return requests;
}

const greatest = (numbers: number[]): number => numbers.reduce((most, one) => Math.max(most, one), 0);
