import { z } from 'zod';
import { EventTypePattern } from './event-type.js';
import { EventId } from './id.js';
import { PayloadFilter } from './subscription.js';
import { time } from './text.js';

export const TestFilter = z
  .strictObject({
    filter: PayloadFilter,
    events: z
      .array(EventTypePattern)
      .max(100, 'must have at most 100 entries; leave it empty for all types')
      .optional()
      .describe('Only events of these types or patterns. Absent or empty: all types.'),
    limit: z
      .int('must be a whole number')
      .min(1, 'must be at least 1')
      .max(100, 'must be at most 100')
      .default(50)
      .describe('How many events to test at most, the newest first: 1 to 100. Default: 50.'),
  })
  .meta({ id: 'TestFilter', examples: [{ filter: '$.conversation.status == "closed"', events: ['conversation:*'] }] });
export type TestFilter = z.input<typeof TestFilter>;

export const FilterTest = z
  .object({
    tested: z.int().describe('Number of tested events.'),
    passed: z.int().describe('Number of tested events that a subscription with this filter gets.'),
    missingPaths: z
      .array(z.string())
      .describe(
        'Paths of the filter that no tested event has: often a typing error. A path starts at the payload: `$.status`, not `$.payload.status`.',
      ),
    events: z
      .array(
        z.object({
          id: EventId,
          event: z.string().describe('The event type.'),
          createdAt: time('When it was published.'),
          outcome: z
            .enum(['matched', 'not_matched', 'unknown', 'not_comparable'])
            .describe(
              '`matched`: passes · `not_matched`: does not pass · `unknown`: the condition is neither true nor false, for example because a text ' +
                'is compared with a number; does not pass · `not_comparable`: Postgres cannot read the payload; passes.',
            ),
        }),
      )
      .describe('Newest first.'),
  })
  .meta({ id: 'FilterTest', description: 'Which of the newest events a filter lets pass.' });
export type FilterTest = z.infer<typeof FilterTest>;
