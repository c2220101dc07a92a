import { z } from 'zod';
import { AccountId, SubscriptionId } from './id.js';
import { listOf } from './list.js';
import { time } from './text.js';

export const ATTENTION_REASONS = ['disabled', 'failing', 'unverified', 'overdue'] as const;

export const Attention = z
  .object({
    subscriptionId: SubscriptionId,
    accountId: AccountId,
    url: z.string().describe('The URL that receives events. For `unverified`: the URL that failed its verification.'),
    reason: z
      .enum(ATTENTION_REASONS)
      .describe(
        '`disabled`: Posthorn disabled it · `failing`: every attempt has failed since `since` · `unverified`: its ' +
          'verification failed, so it receives no events · `overdue`: deliveries are due, but no worker has attempted them.',
      ),
    detail: z
      .string()
      .nullable()
      .describe(
        'For `disabled`: its `statusReason`, `failing` or `gone`. For `unverified`: the `reason` of its verification. Otherwise null.',
      ),
    since: time('When this began.'),
  })
  .meta({ id: 'Attention', description: 'A subscription that needs attention.' });
export type Attention = z.infer<typeof Attention>;

export const AttentionList = listOf(Attention, 'AttentionList');
