import { AccountAuditQuery, type AuditEntry, AuditList, AuditQuery, toTypeId } from '@posthorn/contract';
import type { AuditEntry as Row } from '@posthorn/core';
import { beforeId, toPage } from '../cursor.js';
import type { Routes } from '../deps.js';
import { idWithin } from './events.js';
import { AccountParams, requireAccount } from './params.js';
import { storedObject } from './stored-json.js';

const tags = ['Audit log'];

export const auditRoutes: Routes = (app, { db }) => {
  app.get(
    '/v1/audit',
    {
      config: { allow: 'operator' },
      schema: {
        operationId: 'audit.list',
        summary: 'List who changed what',
        description:
          'Each change that was made through this API, but for what was published; and each look at a secret, each login, and ' +
          'each that was refused. An entry is written before the change is made, and completed before it is answered.',
        tags,
        querystring: AuditQuery,
        response: { 200: AuditList },
      },
    },
    async ({ query: { account, limit, cursor, ...filter } }) => {
      const rows = await db.prisma.auditEntry.findMany({
        where: {
          ...(account !== undefined && { accountId: account }),
          ...filtered(filter),
          AND: [beforeId('audit', cursor), idWithin(filter.from, filter.to)],
        },
        orderBy: { id: 'desc' },
        take: limit + 1,
      });
      return toPage(rows, { limit, list: 'audit', keyOf: ({ id }) => [id], itemOf: (row) => entryJson(row, true) });
    },
  );

  app.get(
    '/v1/accounts/:account/audit',
    {
      config: { allow: 'subscriptions:read' },
      schema: {
        operationId: 'audit.listOfAccount',
        summary: 'List who changed what in an account',
        description: 'As `GET /v1/audit`. Where operators’ requests came from is told to operators alone.',
        tags,
        params: AccountParams,
        querystring: AccountAuditQuery,
        response: { 200: AuditList },
      },
    },
    async ({ params: { account }, caller, query: { limit, cursor, ...filter } }) => {
      const rows = await db.prisma.auditEntry.findMany({
        where: {
          accountId: account,
          ...filtered(filter),
          AND: [beforeId('audit', cursor), idWithin(filter.from, filter.to)],
        },
        orderBy: { id: 'desc' },
        take: limit + 1,
      });
      await requireAccount({ db }, account, rows);
      const tellsAll = caller?.kind === 'operator';
      return toPage(rows, { limit, list: 'audit', keyOf: ({ id }) => [id], itemOf: (row) => entryJson(row, tellsAll) });
    },
  );
};

interface Filter {
  actor?: Row['actor'] | undefined;
  actorId?: string | undefined;
  action?: string | undefined;
}

const filtered = ({ actor, actorId, action }: Filter) => ({
  ...(actor && { actor }),
  ...(actorId !== undefined && { actorId }),
  ...(action !== undefined && { action }),
});

const entryJson = (row: Row, tellsAll: boolean): AuditEntry => ({
  id: toTypeId('aud', row.id),
  createdAt: row.createdAt.toISOString(),
  doneAt: row.doneAt?.toISOString() ?? null,
  actor: { kind: row.actor, id: row.actorId, name: row.actorName },
  accountId: row.accountId,
  action: row.action,
  target: { type: row.targetType, id: row.targetId },
  changes: storedObject(row.changes),
  requestId: row.requestId,
  address: tellsAll || row.actor !== 'operator' ? row.address : null,
});
