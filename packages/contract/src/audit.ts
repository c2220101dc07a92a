import { z } from 'zod';
import { exportFormat } from './export-link.js';
import { AccountId, ActorId, AuditId } from './id.js';
import { listOf, ListQuery } from './list.js';
import { anyObject, moment, text, time, timeOrNull } from './text.js';

const ActorKind = z.enum(['operator', 'account', 'portal', 'nobody']);

export const AuditEntry = z
  .object({
    id: AuditId,
    createdAt: time('When the request started.'),
    doneAt: timeOrNull(
      'When the change was complete. null: the request is running, or it ended without a response (the process stopped, or the ' +
        'database was away). In the second case the change may or may not have been made.',
    ),
    actor: z
      .object({
        kind: ActorKind.describe('`nobody`: a caller without a valid key.'),
        id: z.string().nullable().describe('The account key or the session. null: the operator key.'),
        name: z.string().nullable().describe('Name of the account key at that time. null: not an account key.'),
      })
      .describe('Who made the change.'),
    accountId: AccountId.nullable().describe('The account that the change belongs to. null: none.'),
    action: z.string().describe('The operation id in this document. `session.refused`: a login with a wrong key.'),
    target: z
      .object({
        type: z.string().describe('The kind of the changed object.'),
        id: z.string().nullable().describe('The id of the changed object.'),
        name: z
          .string()
          .nullable()
          .describe(
            'For a subscription: its current URL, without the query. For an account key: its name. null: another kind of ' +
              'object, or it no longer exists.',
          ),
      })
      .describe('The changed object.'),
    changes: anyObject(
      'For each field `{from, to}`, or `{changed: true}` for secrets, headers and free-form objects. URLs have no ' +
        'query.',
    ),
    requestId: z.string().describe('The `X-Request-Id` of the request.'),
    address: z
      .string()
      .nullable()
      .describe('The client address. null: hidden from accounts, because an operator made the request.'),
  })
  .meta({ id: 'AuditEntry', description: 'A change, or an access to a secret.' });
export type AuditEntry = z.infer<typeof AuditEntry>;

export const AuditList = listOf(AuditEntry, 'AuditList');

const listedFields = {
  actor: ActorKind.optional().describe('Only changes by this kind of actor.'),
  actorId: ActorId.optional().describe('Only changes by this account key or session.'),
  action: text(1, 100).optional().describe('Only this operation id.'),
  from: moment('Only changes at or after this time.').optional(),
  to: moment('Only changes before this time.').optional(),
};
const account = AccountId.optional().describe('Only changes in this account.');
const format = exportFormat('AuditEntry');

export const AccountAuditQuery = ListQuery.extend(listedFields);
export const AuditQuery = AccountAuditQuery.extend({ account });

export const AccountAuditExportQuery = z.strictObject({ ...listedFields, format });
export const AuditExportQuery = AccountAuditExportQuery.extend({ account });
