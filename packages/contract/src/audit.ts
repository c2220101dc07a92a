import { z } from 'zod';
import { AccountId, ActorId, AuditId } from './id.js';
import { listOf, ListQuery } from './list.js';
import { anyObject, moment, text, time, timeOrNull } from './text.js';

const ActorKind = z.enum(['operator', 'account', 'portal', 'nobody']);

export const AuditEntry = z
  .object({
    id: AuditId,
    createdAt: time('When it was begun.'),
    doneAt: timeOrNull(
      'When it was done. null: it is under way; or it was never answered (the process ended, or the database was away), and ' +
        'nobody knows whether it was done.',
    ),
    actor: z
      .object({
        kind: ActorKind.describe('`nobody`: somebody without a valid key.'),
        id: z.string().nullable().describe('The account key or the session; null: the operator key itself.'),
        name: z.string().nullable().describe('The account key’s name then.'),
      })
      .describe('Who did it.'),
    accountId: AccountId.nullable().describe('The account it was done in.'),
    action: z.string().describe('The operation’s id in this document; `session.refused`: a wrong key.'),
    target: z
      .object({
        type: z.string().describe('What kind of thing it was done to.'),
        id: z.string().nullable().describe('Its id.'),
      })
      .describe('What it was done to.'),
    changes: anyObject(
      'Per field `{from, to}`, or `{changed: true}` where values are not told: secrets, headers and free objects. URLs are ' +
        'without their query.',
    ),
    requestId: z.string().describe('The request’s `X-Request-Id`.'),
    address: z
      .string()
      .nullable()
      .describe('Where the request came from; null: an operator’s, which accounts are not told.'),
  })
  .meta({ id: 'AuditEntry', description: 'Something that somebody changed, or a secret that somebody looked at.' });
export type AuditEntry = z.infer<typeof AuditEntry>;

export const AuditList = listOf(AuditEntry, 'AuditList');

export const AccountAuditQuery = ListQuery.extend({
  actor: ActorKind.optional().describe('Only what such an actor did.'),
  actorId: ActorId.optional().describe('Only what this account key, or this session, did.'),
  action: text(1, 100).optional().describe('Only this operation.'),
  from: moment('Only what was done at that time or later.').optional(),
  to: moment('Only what was done before that time.').optional(),
});

export const AuditQuery = AccountAuditQuery.extend({ account: AccountId.optional().describe('Only in this account.') });
