import { z } from 'zod';
import { AccountId } from './id.js';
import { listOf, listOrder, ListQuery, longestWaiting, lowestSuccess, prefixSearch, sortedNewest } from './list.js';
import { DayStats } from './stats.js';
import { anyObject, jsonObject, text, time } from './text.js';
import { WaitingOfRow } from './waiting.js';

export const Metadata = jsonObject({ maxDepth: 20, maxBytes: 16 * 1024 }).describe(
  'A JSON object with your own data, at most 16 KiB and nested at most 20 deep. It is never sent to endpoints.',
);

export const AccountStats = z
  .object({
    subscriptions: z.int().describe('Number of subscriptions, of every status.'),
    accepted: z.int().describe('Number of accepted events.'),
    deliveries: z
      .object({ succeeded: z.int(), failed: z.int() })
      .describe('Deliveries that succeeded, and that failed after their last attempt.'),
    attempts: z.int().describe('Number of attempts.'),
    successRate: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .describe('Share of successful attempts, 0 to 1. null: no attempts.'),
    waiting: WaitingOfRow,
  })
  .meta({ id: 'AccountStats', description: 'Statistics of an account for the last 24 hours.' });
export type AccountStats = z.infer<typeof AccountStats>;

export const Account = z
  .object({
    id: AccountId,
    name: z.string().nullable().describe('Name for people.'),
    metadata: anyObject('Your own data.'),
    createdAt: time('When it was created.'),
    updatedAt: time('When it was last changed.'),
    stats: AccountStats.optional().describe('Only with `?stats=24h`.'),
  })
  .meta({ id: 'Account', description: 'A tenant: one customer of the app that publishes.' });
export type Account = z.infer<typeof Account>;

export const DeletedAccount = z
  .object({
    id: AccountId,
    deletedAt: time('When it was deleted.'),
    erasedRows: z.int().describe('Number of its rows that were erased or closed so far.'),
  })
  .meta({
    id: 'DeletedAccount',
    description: 'A deleted account whose rows are being erased.',
    examples: [{ id: 'acme', deletedAt: '2026-11-21T18:55:00.412Z', erasedRows: 0 }],
  });

export const AccountList = listOf(Account, 'AccountList').extend({ sortedNewest }).meta({ id: 'AccountList' });

export const AccountQuery = ListQuery.extend({
  q: prefixSearch('id or name').optional(),
  sort: listOrder({ waiting: longestWaiting('by id'), success: lowestSuccess('by id', 'accounts') }).optional(),
  stats: DayStats.optional(),
});

export const PutAccount = z
  .strictObject({
    name: text(1, 200).nullable().optional().describe('Name for people, 1 to 200 characters. null removes it.'),
    metadata: Metadata.optional(),
    operations: z
      .literal(true, 'must be true, or absent')
      .optional()
      .describe(
        'Marks the account of the operators. Required for the id in `OPERATIONS_ACCOUNT`, and not allowed for any other.',
      ),
  })
  .meta({
    id: 'PutAccount',
    description: 'Absent fields stay unchanged.',
    examples: [{ name: 'Acme Inc.', metadata: { plan: 'premium' } }],
  });
export type PutAccount = z.infer<typeof PutAccount>;
