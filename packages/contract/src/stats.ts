import { z } from 'zod';
import { ATTEMPT_OUTCOMES } from './delivery-status.js';
import { EventTypeName } from './event-type.js';
import { SubscriptionId } from './id.js';
import { moment, time } from './text.js';

const count = (description: string) => z.int().describe(description);
const DURATION =
  'in milliseconds, accurate to 9 %, without aborted attempts and those that sent nothing. null: no attempts.';

export const GRANULARITIES = ['minute', '5minutes', '15minutes', 'hour', '6hours', 'day', 'week'] as const;
export const Granularity = z.enum(GRANULARITIES).meta({
  description: 'Length of a bucket. Buckets are aligned to UTC; weeks start on Mondays.',
});
export type Granularity = z.infer<typeof Granularity>;

const periodStats = {
  accepted: z
    .int()
    .nullable()
    .describe('Accepted events, including test events. null with `subscription`: events belong to the account.'),
  deliveries: z
    .object({ succeeded: count('Deliveries that succeeded.'), failed: count('Deliveries that failed.') })
    .describe(
      'Deliveries that ended in this period. A delivery that failed, was replayed and succeeded counts in both; ' +
        'a canceled one counts in neither.',
    ),
  attempts: z
    .object({
      total: count('All attempts.'),
      ok: count('Attempts with the outcome `ok`.'),
      failed: count('Attempts with any other outcome, except `aborted`.'),
    })
    .describe('Attempts of deliveries, with every trigger. Attempts of verifications do not count.'),
  successRate: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .describe('`ok` ÷ (`ok` + `failed`) of the attempts, 0 to 1. null: no attempts.'),
  p50Ms: z.int().nullable().describe(`Median duration of an attempt, ${DURATION}`),
  p95Ms: z.int().nullable().describe(`95th percentile of the attempt duration, ${DURATION}`),
};

export const PeriodStats = z
  .object(periodStats)
  .meta({ id: 'PeriodStats', description: 'Counts and durations of a period.' });
export type PeriodStats = z.infer<typeof PeriodStats>;

export const StatsPeriod = z
  .object({
    from: time('Start of the period (inclusive).'),
    to: time('End of the period (exclusive).'),
    ...periodStats,
    byOutcome: z
      .object(Object.fromEntries(ATTEMPT_OUTCOMES.map((outcome) => [outcome, z.int()])) as Record<string, z.ZodInt>)
      .describe('Attempts by outcome, with all ten outcomes.'),
    byStatusCode: z
      .array(z.object({ statusCode: z.int(), attempts: z.int() }))
      .describe('Attempts with a response, by status code, most frequent first.'),
    byEventType: z
      .array(z.object({ event: z.string().describe('The type.'), ...periodStats }))
      .describe(
        'The same per event type, at most 50: the types with the most attempts first, then those with the most events.',
      ),
  })
  .meta({ id: 'StatsPeriod' });
export type StatsPeriod = z.infer<typeof StatsPeriod>;

export const Stats = z
  .object({
    granularity: Granularity,
    totals: StatsPeriod,
    previous: StatsPeriod.describe('The preceding period of the same length.'),
    buckets: z
      .array(z.object({ at: time('Start of the bucket.'), ...periodStats }))
      .max(60)
      .describe('Oldest first, without gaps: an empty bucket has counts of 0.'),
  })
  .meta({ id: 'Stats', description: 'Counts and durations over a period, up to the last attempt.' });
export type Stats = z.infer<typeof Stats>;

export const StatsQuery = z.strictObject({
  from: moment(
    'Start of the period, rounded down to a bucket. Default: 24 hours before `to`. All counts are 0 before 63 days ago ' +
      '(or `RETENTION_DAYS`, if longer).',
  ).optional(),
  to: moment('End of the period, rounded up to a bucket. Default, and maximum: now.').optional(),
  granularity: Granularity.optional().describe(
    'Default: the shortest that covers the period with 60 buckets. `minute`, `5minutes` and `15minutes` exist for the last two days, and ' +
      'not with `subscription`.',
  ),
  eventType: EventTypeName.optional().describe('Only this event type.'),
});

export const AccountStatsQuery = StatsQuery.extend({
  subscription: SubscriptionId.optional().describe('Only this subscription.'),
});

/** `?stats=24h` of lists. */
export const DayStats = z
  .enum(['24h'])
  .describe('Adds `stats` to each row: the current hour and the 23 before it, in UTC.');
