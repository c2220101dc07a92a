import { z } from 'zod';
import { ReplayableStatus, replayFilterFields, some } from './delivery-filter.js';
import { AttemptOutcome, AttemptTrigger } from './delivery-status.js';
import { AccountId, EventId, ReplayId, SubscriptionId } from './id.js';
import { listOf, ListQuery, MAX_COUNT, oneOrMore } from './list.js';
import { moment, time, timeOrNull } from './text.js';

export const ReplayWhich = z.enum(['failed', 'missed']).meta({
  description:
    '`failed`: deliveries whose status is one of `statuses` · `missed`: events that a subscription subscribes to (by its current `events`) ' +
    'and that have no delivery for it, because it was disabled, not verified or not created when they were published.',
});
export type ReplayWhich = z.infer<typeof ReplayWhich>;

const shared = {
  which: ReplayWhich,
  ...replayFilterFields,
  until: moment('Only deliveries or events created before this time. Default, and maximum: now.').optional(),
  dryRun: z.boolean().default(false).describe('true: returns a preview with counts and changes nothing.'),
};
const since = moment('Only deliveries or events created at or after this time. Not in the future.');

/** Fields that only a delivery has. */
const OF_DELIVERIES = ['statuses', 'outcomes', 'statusCodes', 'triggers', 'replay'] as const;

type Checked = Partial<Record<(typeof OF_DELIVERIES)[number] | 'since' | 'event', unknown>> & {
  which: 'failed' | 'missed';
};

function checkTogether({ which, ...body }: Checked, context: z.RefinementCtx): void {
  for (const field of OF_DELIVERIES) {
    if (which === 'missed' && body[field] !== undefined)
      context.addIssue({ code: 'custom', path: [field], message: 'applies to `failed` only: leave it out' });
  }
  if (body.since === undefined && body.event === undefined && body.replay === undefined)
    context.addIssue({ code: 'custom', path: ['since'], message: 'is required, unless `event` or `replay` is given' });
}

export const StartReplay = z
  .strictObject({
    ...shared,
    event: EventId.optional().describe('Only this event.'),
    since: since
      .optional()
      .describe(
        'Only deliveries or events created at or after this time. Not in the future. Required, unless `event` or `replay` is given.',
      ),
  })
  .superRefine(checkTogether)
  .meta({
    id: 'StartReplay',
    examples: [
      { since: '2026-11-20T00:00:00Z', which: 'failed', statusCodes: ['5xx'], dryRun: true },
      { which: 'missed', event: 'evt_01jd4q8y3ne9mav5w2xkq7rf0c', subscriptions: ['sub_01jd4q8y3ne9mav5w2xkq7rf0c'] },
    ],
  });
export type StartReplay = z.infer<typeof StartReplay>;

export const StartReplayOfAccounts = z
  .strictObject({
    ...shared,
    accounts: some(AccountId).optional().describe('Only for these accounts. Default: all accounts.'),
    since,
  })
  .superRefine(checkTogether)
  .meta({
    id: 'StartReplayOfAccounts',
    examples: [{ since: '2026-11-20T00:00:00Z', until: '2026-11-20T06:00:00Z', which: 'failed', dryRun: true }],
  });
export type StartReplayOfAccounts = z.infer<typeof StartReplayOfAccounts>;

const orAll = <Item extends z.ZodType>(item: Item, description: string) =>
  z.array(item).nullable().describe(`${description} null: all.`);

const filterFields = {
  accountId: AccountId.nullable().describe('The account. null: operators started it, for `accounts`.'),
  which: ReplayWhich,
  accounts: orAll(AccountId, 'The accounts that it is for.'),
  subscriptions: orAll(SubscriptionId, 'The subscriptions that it sends to.'),
  eventTypes: orAll(z.string(), 'The event types that it sends.'),
  event: EventId.nullable().describe('The event that it sends. null: any.'),
  statuses: orAll(ReplayableStatus, 'For `failed`: the statuses of deliveries that it sends again.'),
  outcomes: orAll(AttemptOutcome, 'For `failed`: how the last attempts ended.'),
  statusCodes: orAll(z.string(), 'For `failed`: the HTTP statuses of the last attempts, or classes of them.'),
  triggers: orAll(AttemptTrigger, 'For `failed`: the triggers of the last attempts.'),
  replay: ReplayId.nullable().describe('The earlier replay whose deliveries it sends again. null: any or none.'),
  q: z.string().nullable().describe('The text in payloads, or the beginning of an id. null: any.'),
  since: time('Only deliveries or events created at or after this time.'),
  until: time('Only deliveries or events created before this time.'),
};
const matched = z.int().describe(`Number of deliveries to send, counted when it was started, up to ${MAX_COUNT}.`);
const more = z.boolean().describe('true: there may be more than were counted.');

const EXAMPLE = {
  accountId: 'acme',
  which: 'failed' as const,
  accounts: ['acme'],
  subscriptions: ['sub_01jd4q8y3ne9mav5w2xkq7rf0c'],
  eventTypes: null,
  event: null,
  statuses: ['failed' as const, 'canceled' as const],
  outcomes: null,
  statusCodes: null,
  triggers: null,
  replay: null,
  q: null,
  since: '2026-11-20T00:00:00.000Z',
  until: '2026-11-21T18:55:00.000Z',
};

export const ReplayPreview = z
  .object({
    id: z.null().describe('null: a dry run is not stored.'),
    ...filterFields,
    status: z.literal('dry_run').describe('Only counted, nothing sent.'),
    matched,
    more,
    subscriptionCount: z.int().describe('Number of subscriptions that the counted deliveries belong to.'),
    accountCount: z.int().describe('Number of accounts that the counted deliveries belong to.'),
  })
  .meta({
    id: 'ReplayPreview',
    description: 'What a replay would send.',
    examples: [
      { id: null, ...EXAMPLE, status: 'dry_run', matched: 37, more: false, subscriptionCount: 1, accountCount: 1 },
    ],
  });
export type ReplayPreview = z.infer<typeof ReplayPreview>;

export const Replay = z
  .object({
    id: ReplayId,
    ...filterFields,
    status: z
      .enum(['running', 'delivering', 'completed', 'canceled'])
      .describe(
        '`running`: it queues deliveries, oldest first · `delivering`: all are queued, some are still pending · `completed`: all were ' +
          'delivered or have failed · `canceled`: canceled by a request, or because none of its subscriptions receives events any more; ' +
          'queued deliveries are still sent.',
      ),
    matched,
    more,
    queued: z.int().describe('Number of deliveries that it has queued so far.'),
    delivered: z.int().describe('Number of queued deliveries that were delivered.'),
    failed: z.int().describe('Number of queued deliveries that failed or were canceled.'),
    pending: z.int().describe('Number of queued deliveries that are still `pending` or `held`.'),
    createdAt: time('When it was started.'),
    endedAt: timeOrNull('When it completed or was canceled.'),
  })
  .meta({
    id: 'Replay',
    description:
      'A background job that sends deliveries again, or events that were missed. A delivery counts only for the last replay that queued it. ' +
      'The counts of a replay of more than 2,000 deliveries may be a few seconds old.',
    examples: [
      {
        id: 'rpl_01jd4q8y3ne9mav5w2xkq7rf0c',
        ...EXAMPLE,
        status: 'delivering',
        matched: 1024,
        more: false,
        queued: 1024,
        delivered: 984,
        failed: 0,
        pending: 40,
        createdAt: '2026-11-21T18:55:00.000Z',
        endedAt: null,
      },
    ],
  });
export type Replay = z.infer<typeof Replay>;

export const ReplayAccount = z
  .object({
    accountId: AccountId,
    queued: z.int().describe('Number of deliveries of the account that it has queued so far.'),
    delivered: z.int().describe('Number of queued deliveries that were delivered.'),
    failed: z.int().describe('Number of queued deliveries that failed or were canceled.'),
    pending: z.int().describe('Number of queued deliveries that are still `pending` or `held`.'),
  })
  .meta({ id: 'ReplayAccount', description: 'Progress of a replay for one account. May be a few seconds old.' });
export type ReplayAccount = z.infer<typeof ReplayAccount>;

export const ReplayAccountList = z
  .object({
    data: z.array(ReplayAccount).describe('By the id of the account.'),
    nextCursor: z.string().nullable().describe('Opaque: pass it as `?cursor=`. null: this is the last page.'),
  })
  .meta({ id: 'ReplayAccountList' });

export const ReplayList = listOf(Replay, 'ReplayList');

export const ReplayQuery = ListQuery.extend({
  subscription: oneOrMore(SubscriptionId)
    .optional()
    .describe('Only replays that may send to this subscription; repeatable.'),
});

export const ReplayOfAccountsQuery = ReplayQuery.extend({
  account: AccountId.optional().describe('Only replays that were started for this account.'),
});
