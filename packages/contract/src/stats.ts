import { z } from 'zod';
import { ATTEMPT_OUTCOMES } from './delivery-status.js';
import { EventTypeName } from './event-type.js';
import { SubscriptionId } from './id.js';
import { moment, time } from './text.js';

const count = (description: string) => z.int().describe(description);
const DURATION = 'in milliseconds, within 9 %. Those that we ended ourselves or sent nothing do not count. null: none.';

export const GRANULARITIES = ['minute', '5minutes', '15minutes', 'hour', '6hours', 'day', 'week'] as const;
export const Granularity = z.enum(GRANULARITIES).meta({
  description: 'How long a bucket is. Buckets begin at whole ones of UTC, weeks on Mondays.',
});
export type Granularity = z.infer<typeof Granularity>;

const figures = {
  accepted: z
    .int()
    .nullable()
    .describe(
      'Events that were accepted, test events included. null: with `subscription`, for an event is the account’s.',
    ),
  deliveries: z
    .object({ succeeded: count('That ended well.'), failed: count('That ended without success.') })
    .describe(
      'Deliveries that an attempt ended within the time. One that failed, was replayed and succeeded counts for both; ' +
        'one that was canceled for neither.',
    ),
  attempts: z
    .object({
      total: count('All of them.'),
      ok: count('With the outcome `ok`.'),
      failed: count('With any other outcome but `aborted`.'),
    })
    .describe('Attempts of deliveries, whatever triggered them; of verifications none.'),
  successRate: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .describe('ok ÷ (ok + failed) of the attempts, 0 to 1. null: there were none.'),
  p50Ms: z.int().nullable().describe(`Half of the attempts took no longer, ${DURATION}`),
  p95Ms: z.int().nullable().describe(`95 % of the attempts took no longer, ${DURATION}`),
};

export const Figures = z.object(figures).meta({ id: 'Figures', description: 'What happened within a time.' });
export type Figures = z.infer<typeof Figures>;

export const StatsPeriod = z
  .object({
    from: time('The first moment that counts.'),
    to: time('The first moment that no longer does.'),
    ...figures,
    byOutcome: z
      .object(Object.fromEntries(ATTEMPT_OUTCOMES.map((outcome) => [outcome, z.int()])) as Record<string, z.ZodInt>)
      .describe('Attempts by their outcome, all ten of them.'),
    byStatusCode: z
      .array(z.object({ statusCode: z.int(), attempts: z.int() }))
      .describe('Attempts that were answered, by status code; the most frequent first.'),
    byEventType: z
      .array(z.object({ event: z.string().describe('The type.'), ...figures }))
      .describe(
        'The same for each type of event, at most 50: those with the most attempts, then the most events, first.',
      ),
  })
  .meta({ id: 'StatsPeriod' });
export type StatsPeriod = z.infer<typeof StatsPeriod>;

export const Stats = z
  .object({
    granularity: Granularity,
    totals: StatsPeriod,
    previous: StatsPeriod.describe('The same of the time right before, of equal length.'),
    buckets: z
      .array(z.object({ at: time('Where it begins.'), ...figures }))
      .max(60)
      .describe('The oldest first, one for each: where nothing happened the counts are 0.'),
  })
  .meta({ id: 'Stats', description: 'Counts and durations over a time, right to the last attempt.' });
export type Stats = z.infer<typeof Stats>;

export const StatsQuery = z.strictObject({
  from: moment(
    'The beginning of the time; it moves back to where its bucket begins. Absent: 24 hours before `to`. Before the ' +
      'service kept statistics, and 63 days ago or `RETENTION_DAYS` if that is more, all is 0.',
  ).optional(),
  to: moment('The end of the time; it moves on to where its bucket ends. Absent, or in the future: now.').optional(),
  granularity: Granularity.optional().describe(
    'Absent: the shortest buckets of which 60 are enough. Minutes, also 5 and 15, are known of the last two days, and ' +
      'not with `subscription`.',
  ),
  eventType: EventTypeName.optional().describe('Only of this type of event.'),
});

export const AccountStatsQuery = StatsQuery.extend({
  subscription: SubscriptionId.optional().describe('Only of this subscription.'),
});

/** `?stats=24h` of lists. */
export const DayStats = z
  .enum(['24h'])
  .describe('Adds `stats` to each row: the hour that is running and the 23 before it, by UTC.');
