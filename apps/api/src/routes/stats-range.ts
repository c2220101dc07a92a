import { GRANULARITIES, type Granularity } from '@posthorn/contract';
import { InvalidRequest } from '../errors.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const BUCKET_MS: Record<Granularity, number> = {
  minute: MINUTE_MS,
  '5minutes': 5 * MINUTE_MS,
  '15minutes': 15 * MINUTE_MS,
  hour: HOUR_MS,
  '6hours': 6 * HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
};
const MAX_BUCKETS = 60;
const ONLY_RECENT = 'shorter buckets exist only for the last two days';
const ONLY_HOURS = 'shorter buckets do not exist for a subscription';
/** How far back minutes are available. They are kept longer, for `previous`. */
const MINUTES_KEPT_MS = 2 * DAY_MS;
/** A Monday. All buckets are aligned to it. */
const EPOCH_MS = Date.UTC(1970, 0, 5);

export interface StatsRange {
  from: Date;
  to: Date;
  granularity: Granularity;
}

/** Returns the range in whole buckets. `hasMinutes`: buckets shorter than an hour are available for the last days. Throws
 *  InvalidRequest for an empty range, for too many buckets and for buckets that are not available. */
export function readRange(
  query: { from?: string | undefined; to?: string | undefined; granularity?: Granularity | undefined },
  { now, hasMinutes }: { now: Date; hasMinutes: boolean },
): StatsRange {
  const minutesFrom = hasMinutes ? now.getTime() - MINUTES_KEPT_MS : Number.POSITIVE_INFINITY;
  const isAvailable = (one: Granularity) => BUCKET_MS[one] >= HOUR_MS || from >= minutesFrom;
  const to = Math.min(query.to === undefined ? now.getTime() : Date.parse(query.to), now.getTime());
  const from = query.from === undefined ? to - DAY_MS : Date.parse(query.from);
  if (from >= now.getTime()) throw invalid('from', 'must be in the past');
  if (from >= to) throw invalid('from', 'must be before to');

  const { granularity } = query;
  if (granularity === undefined) {
    const fitting = GRANULARITIES.find((one) => isAvailable(one) && countOf(one, from, to) <= MAX_BUCKETS);
    if (fitting === undefined) throw invalid('from', `must be at most ${MAX_BUCKETS} weeks before to`);
    return rangeOf(fitting, from, to);
  }
  if (!isAvailable(granularity)) {
    throw invalid('granularity', `must be hour or longer: ${hasMinutes ? ONLY_RECENT : ONLY_HOURS}`);
  }
  const count = countOf(granularity, from, to);
  if (count > MAX_BUCKETS) {
    throw invalid('granularity', `must be longer: ${count} buckets exceed the limit of ${MAX_BUCKETS}`);
  }
  return rangeOf(granularity, from, to);
}

function countOf(granularity: Granularity, from: number, to: number): number {
  const range = rangeOf(granularity, from, to);
  return (range.to.getTime() - range.from.getTime()) / BUCKET_MS[granularity];
}

function rangeOf(granularity: Granularity, from: number, to: number): StatsRange {
  const ms = BUCKET_MS[granularity];
  return {
    from: new Date(EPOCH_MS + Math.floor((from - EPOCH_MS) / ms) * ms),
    to: new Date(EPOCH_MS + Math.ceil((to - EPOCH_MS) / ms) * ms),
    granularity,
  };
}

const invalid = (path: string, message: string) => new InvalidRequest([{ path, message }]);
