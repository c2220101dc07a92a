import { z } from 'zod';
import { AccountId } from './id.js';
import { listOf } from './list.js';
import { anyObject, jsonObject, text, time } from './text.js';

/** The caller's own notes on an object: returned as sent. */
export const Metadata = jsonObject({ maxDepth: 20, maxBytes: 16 * 1024 }).describe(
  'Any JSON object of your own, at most 16 KiB and nested 20 deep. Returned as it was sent, never sent to receivers.',
);

export const Account = z
  .object({
    id: AccountId,
    name: z.string().nullable().describe('For people.'),
    metadata: anyObject('Your own notes.'),
    createdAt: time('When it was created.'),
    updatedAt: time('When it was last changed.'),
  })
  .meta({ id: 'Account', description: 'A tenant: one customer of the app that publishes.' });
export type Account = z.infer<typeof Account>;

export const AccountList = listOf(Account, 'AccountList');

export const PutAccount = z
  .strictObject({
    name: text(1, 200).nullable().optional().describe('For people, 1 to 200 characters. null removes it.'),
    metadata: Metadata.optional(),
  })
  .meta({
    id: 'PutAccount',
    description: 'What is absent stays as it is.',
    examples: [{ name: 'Acme Inc.', metadata: { plan: 'premium' } }],
  });
export type PutAccount = z.infer<typeof PutAccount>;
