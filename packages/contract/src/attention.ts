import { z } from 'zod';
import { AccountId, SubscriptionId } from './id.js';
import { listOf } from './list.js';
import { time } from './text.js';

export const ATTENTION_REASONS = ['disabled', 'failing', 'unverified', 'overdue'] as const;

export const Attention = z
  .object({
    subscriptionId: SubscriptionId,
    accountId: AccountId,
    url: z.string().describe('The URL in force; of an unverified one, the URL that has not proven itself.'),
    reason: z
      .enum(ATTENTION_REASONS)
      .describe(
        '`disabled`: by Posthorn, not by hand · `failing`: no attempt has succeeded since the last failure · `unverified`: its ' +
          'verification failed, so it gets no events · `overdue`: deliveries are due that nobody took.',
      ),
    detail: z
      .string()
      .nullable()
      .describe(
        'Of `disabled`: its `statusReason`, `failing` or `gone`. Of `unverified`: the `reason` of its verification.',
      ),
    since: time('Since when it has been so.'),
  })
  .meta({ id: 'Attention', description: 'A subscription that somebody should look at.' });
export type Attention = z.infer<typeof Attention>;

export const AttentionList = listOf(Attention, 'AttentionList');
