import type { Accepted } from './producer.js';
import type { Seen } from './receiver.js';

/** The two ledgers, and when something was broken. */
export interface Evidence {
  /** The producer's: every 202. */
  accepted: Accepted[];
  /** The receiver's: every request. */
  seen: Seen[];
  /** The moments at which something was broken. */
  blows: number[];
  /** From when on the flow may be expected to become normal again. */
  backAt: number;
  /** How much longer than its receiver sees it a POST is under way. Default: UNDER_WAY_MS. */
  underWayMs?: number;
  /** An event is prompt that is at the healthy receiver so soon after it was first handed over. Default: PROMPT_MS. */
  promptMs?: number;
}

export interface Verdict {
  /** Events with a 202. */
  accepted: number;
  /** Of these, how many were seen by every receiver that they were for, and how many were not. */
  delivered: number;
  lost: number;
  /** Events that were delivered and are none of those: stored twice for one idempotency key. */
  unasked: number;
  /** Requests beyond the first for one delivery. */
  duplicates: number;
  /** POSTs under way at the blows: at-least-once may repeat these and no others. */
  inFlight: number;
  /** Duplicates whose earlier request was not under way at any blow. */
  unexcused: number;
  /** From the part's return until every later event is at its receiver promptly. */
  normalAfterMs: number;
  /** From the part's return until all that was accepted before it has arrived. */
  caughtUpAfterMs: number;
}

/** On a quiet machine. */
export const PROMPT_MS = 1_000;

/** A POST is under way a little longer than its receiver sees it: at first it is on its way there, at last its result is on
 *  its way into the ledger. At 200 events/s on a quiet machine that takes up to 50 ms. */
export const UNDER_WAY_MS = 250;

export function judge({
  accepted,
  seen,
  blows,
  backAt,
  underWayMs = UNDER_WAY_MS,
  promptMs = PROMPT_MS,
}: Evidence): Verdict {
  const requests = byDelivery(seen);
  const isSeen = (path: string, id: string) => requests.has(`${path} ${id}`);
  const isDelivered = ({ id, isForSlow }: Accepted) => isSeen('/healthy', id) && (!isForSlow || isSeen('/slow', id));
  const isUnderWay = ({ at, doneAt }: Seen) =>
    blows.some((blow) => at <= blow + underWayMs && (doneAt ?? Infinity) >= blow - underWayMs);

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
    unasked: new Set(seen.map(({ id }) => id).filter((id) => !known.has(id))).size,
    duplicates: repeated.length,
    inFlight: seen.filter(isUnderWay).length,
    unexcused: repeated.filter((one) => !isUnderWay(one)).length,
    normalAfterMs: greatest(late.map(({ sentAt }) => sentAt - backAt)),
    caughtUpAfterMs: greatest(
      arrivals.filter(({ sentAt }) => sentAt < backAt).map(({ arrivedAt }) => arrivedAt - backAt),
    ),
  };
}

/** Whether what was handed over in three seconds, up to `promptMs` ago, is at its receiver, and was there promptly. A call
 *  that hangs longer is not normal either. */
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

/** How many of the events that were handed over since then are at the healthy receiver. */
export function countArrived({ accepted, seen }: Pick<Evidence, 'accepted' | 'seen'>, since: number): number {
  const arrived = new Set(seen.filter(({ path }) => path === '/healthy').map(({ id }) => id));
  return accepted.filter(({ id, sentAt }) => sentAt >= since && arrived.has(id)).length;
}

/** The longest time, in ms, from handing an event over until it was at the healthy receiver: the measure of a busy machine. */
export function slowest({ accepted, seen }: Pick<Evidence, 'accepted' | 'seen'>): number {
  const arrivedAt = new Map(seen.filter(({ path }) => path === '/healthy').map(({ id, at }) => [id, at]));
  return greatest(accepted.map(({ id, sentAt }) => (arrivedAt.get(id) ?? sentAt) - sentAt));
}

/** The requests for one delivery, in order of arrival. */
function byDelivery(seen: Seen[]): Map<string, Seen[]> {
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
