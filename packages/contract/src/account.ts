import { z } from 'zod';
import { AccountId } from './id.js';
import { listOf, ListQuery } from './list.js';
import { DayStats } from './stats.js';
import { anyObject, jsonObject, text, time } from './text.js';

/** The caller's own notes on an object: returned as sent. */
export const Metadata = jsonObject({ maxDepth: 20, maxBytes: 16 * 1024 }).describe(
  'Any JSON object of your own, at most 16 KiB and nested 20 deep. Returned as it was sent, never sent to receivers.',
);

export const AccountStats = z
  .object({
    subscriptions: z.int().describe('How many it has, whatever their status.'),
    accepted: z.int().describe('Events that were accepted.'),
    deliveries: z.object({ succeeded: z.int(), failed: z.int() }).describe('Deliveries that an attempt ended.'),
    attempts: z.int().describe('Attempts that were made.'),
    successRate: z.number().min(0).max(1).nullable().describe('Of the attempts, 0 to 1. null: there were none.'),
  })
  .meta({ id: 'AccountStats', description: 'The last 24 hours of an account.' });
export type AccountStats = z.infer<typeof AccountStats>;

export const Account = z
  .object({
    id: AccountId,
    name: z.string().nullable().describe('For people.'),
    metadata: anyObject('Your own notes.'),
    createdAt: time('When it was created.'),
    updatedAt: time('When it was last changed.'),
    stats: AccountStats.optional().describe('Only where it was asked for.'),
  })
  .meta({ id: 'Account', description: 'A tenant: one customer of the app that publishes.' });
export type Account = z.infer<typeof Account>;

export const DeletedAccount = z
  .object({
    id: AccountId,
    deletedAt: time('When it was deleted.'),
    erasedRows: z.int().describe('How many of its rows were erased or closed since.'),
  })
  .meta({
    id: 'DeletedAccount',
    description: 'An account that is deleted and whose rows are being erased.',
    examples: [{ id: 'acme', deletedAt: '2026-11-21T18:55:00.412Z', erasedRows: 0 }],
  });

export const AccountList = listOf(Account, 'AccountList');

export const AccountQuery = ListQuery.extend({ stats: DayStats.optional() });

export const PutAccount = z
  .strictObject({
    name: text(1, 200).nullable().optional().describe('For people, 1 to 200 characters. null removes it.'),
    metadata: Metadata.optional(),
    operations: z
      .literal(true, 'must be true, or absent')
      .optional()
      .describe(
        'Says that this is the operators’ own account. Needed for the id in `OPERATIONS_ACCOUNT`, and for no other.',
      ),
  })
  .meta({
    id: 'PutAccount',
    description: 'What is absent stays as it is.',
    examples: [{ name: 'Acme Inc.', metadata: { plan: 'premium' } }],
  });
export type PutAccount = z.infer<typeof PutAccount>;
