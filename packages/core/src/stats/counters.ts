import { AttemptOutcome } from '../generated/prisma/enums.js';
import { LAST_BUCKET } from './stat.js';

// The counters of a stats row, each an integer column. null is 0 and uses no space.

/** SQL by column: which rows `d` of stat_deltas it counts. */
const COUNTED: Record<string, string> = {
  accepted: 'd.outcome IS NULL',
  succeeded: `d.ended = 'succeeded'`,
  failed: `d.ended = 'failed'`,
  ...Object.fromEntries(Object.values(AttemptOutcome).map((outcome) => [outcome, `d.outcome = '${outcome}'`])),
  ...Object.fromEntries(Array.from({ length: LAST_BUCKET + 1 }, (_, n) => [`ms_${n}`, `d.duration_bucket = ${n}`])),
};
const NAMES = Object.keys(COUNTED);

/** SQL: all counters. */
export const COUNTERS = NAMES.join(', ');

/** SQL: each counter, computed from rows `d` of stat_deltas. */
export const COUNT_DELTAS = Object.entries(COUNTED)
  .map(([name, condition]) => `(sum(d.count) FILTER (WHERE ${condition}))::int AS ${name}`)
  .join(', ');

/** SQL: the sum of each counter over several rows. */
export const sumOfCounters = (type: 'int' | 'float8'): string =>
  NAMES.map((name) => `sum(${name})::${type} AS ${name}`).join(', ');

/** SQL: adds new counts to each counter of an existing stats row. */
export const ADD_COUNTERS = NAMES.map(
  (name) => `${name} = coalesce(stats.${name} + excluded.${name}, stats.${name}, excluded.${name})`,
).join(', ');
