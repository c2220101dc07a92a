import { z } from 'zod';
import { AccountId, ReplayId, SubscriptionId } from './id.js';
import { listOf, ListQuery, oneOrMore } from './list.js';
import { moment, time, timeOrNull } from './text.js';

const ReplayWhich = z.enum(['failed', 'missed']).meta({
  description:
    '`failed`: its deliveries that are `failed` or `canceled` · `missed`: events that it wants (by its `events` of today) ' +
    'and was never owed, because it was disabled, not verified or not there when they were published.',
});

export const StartReplay = z
  .strictObject({
    since: moment('Only what was created at this time or later. Not in the future.'),
    until: moment('Only what was created before this time. Absent, or in the future: now.').optional(),
    which: ReplayWhich,
    dryRun: z.boolean().default(false).describe('true: only counts, and changes nothing.'),
  })
  .meta({ id: 'StartReplay', examples: [{ since: '2026-11-20T00:00:00Z', which: 'failed', dryRun: true }] });
export type StartReplay = z.infer<typeof StartReplay>;

const filterFields = {
  accountId: AccountId,
  subscriptionId: SubscriptionId,
  which: ReplayWhich,
  since: time('Only what was created at this time or later.'),
  until: time('Only what was created before this time.'),
};
const matched = z.int().describe('How many there were to replay when it was asked for.');

export const ReplayPreview = z
  .object({
    id: z.null().describe('null: nothing was stored.'),
    ...filterFields,
    status: z.literal('dry_run').describe('Only counted.'),
    matched,
  })
  .meta({
    id: 'ReplayPreview',
    description: 'What a replay would send again.',
    examples: [
      {
        id: null,
        accountId: 'acme',
        subscriptionId: 'sub_01jd4q8y3ne9mav5w2xkq7rf0c',
        which: 'failed',
        since: '2026-11-20T00:00:00.000Z',
        until: '2026-11-21T18:55:00.000Z',
        status: 'dry_run',
        matched: 1024,
      },
    ],
  });
export type ReplayPreview = z.infer<typeof ReplayPreview>;

export const Replay = z
  .object({
    id: ReplayId,
    ...filterFields,
    status: z
      .enum(['running', 'completed', 'canceled'])
      .describe(
        '`running`: sends again, the oldest first · `completed`: all is replayed, though not all of it delivered yet · ' +
          '`canceled`: by request, or because its subscription was disabled or deleted; what was replayed stays so.',
      ),
    matched,
    queued: z.int().describe('How many were replayed so far.'),
    succeeded: z.int().describe('Of those: how many succeeded.'),
    failed: z.int().describe('Of those: how many failed or were canceled again.'),
    pending: z.int().describe('Of those: how many are still owed, `pending` or `held`.'),
    createdAt: time('When it was asked for.'),
    endedAt: timeOrNull('When it completed or was canceled.'),
  })
  .meta({
    id: 'Replay',
    description:
      'Sends again what a subscription did not get, in the background. A delivery counts for the last replay that sent ' +
      'it.',
    examples: [
      {
        id: 'rpl_01jd4q8y3ne9mav5w2xkq7rf0c',
        accountId: 'acme',
        subscriptionId: 'sub_01jd4q8y3ne9mav5w2xkq7rf0c',
        which: 'failed',
        since: '2026-11-20T00:00:00.000Z',
        until: '2026-11-21T18:55:00.000Z',
        status: 'running',
        matched: 1024,
        queued: 500,
        succeeded: 460,
        failed: 0,
        pending: 40,
        createdAt: '2026-11-21T18:55:00.000Z',
        endedAt: null,
      },
    ],
  });
export type Replay = z.infer<typeof Replay>;

export const ReplayList = listOf(Replay, 'ReplayList');

export const ReplayQuery = ListQuery.extend({
  subscription: oneOrMore(SubscriptionId).optional().describe('Only of this subscription; repeatable.'),
});
