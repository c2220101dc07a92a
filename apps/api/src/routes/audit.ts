import {
  AccountAuditExportQuery,
  AccountAuditQuery,
  AuditExportQuery,
  AuditList,
  AuditQuery,
} from '@posthorn/contract';
import { auditExport } from '../audit-export.js';
import { beforeId, toPage } from '../cursor.js';
import type { ApiDeps, App } from '../deps.js';
import type { Exporter } from '../exporter.js';
import { callerOf } from '../plugins/api-key.js';
import { readList } from '../read-list.js';
import { entryJson, type NamedRow, readAuditPage } from './audit-page.js';
import { exportDescription, exportResponse } from './export-response.js';
import { AccountParams, requireAccount } from './params.js';

const tags = ['Audit log'];

export const auditRoutes = (
  app: App,
  { db, reader }: Pick<ApiDeps, 'db' | 'reader'>,
  { exporter }: { exporter: Exporter },
): void => {
  app.get(
    '/v1/audit',
    {
      config: { mayLag: true, allow: 'operator' },
      schema: {
        operationId: 'audit.list',
        summary: 'List the audit log',
        description:
          'All changes over this API except published events, all reads of a secret, and all logins, including those with a wrong ' +
          'key. An entry is written before the change and completed before the response.',
        tags,
        querystring: AuditQuery,
        response: { 200: AuditList },
      },
    },
    async ({ query: { account, limit, cursor, ...filter } }, reply) => {
      const rows = await readList({ reader }, reply, (from) =>
        readAuditPage(from, { accountId: account, ...filter }, pageOf({ limit, cursor })),
      );
      const itemOf = (row: NamedRow) => entryJson(row, { showsAllAddresses: true });
      return toPage(rows, { limit, list: 'audit', keyOf: ({ id }) => [id], itemOf });
    },
  );

  app.get(
    '/v1/accounts/:account/audit',
    {
      config: { mayLag: true, allow: 'subscriptions:read' },
      schema: {
        operationId: 'audit.listOfAccount',
        summary: 'List the audit log of an account',
        description: 'Like `GET /v1/audit`, for one account. Only operators see the addresses of operators.',
        tags,
        params: AccountParams,
        querystring: AccountAuditQuery,
        response: { 200: AuditList },
      },
    },
    async ({ params: { account }, caller, query: { limit, cursor, ...filter } }, reply) => {
      const rows = await readList({ reader }, reply, (from) =>
        readAuditPage(from, { accountId: account, ...filter }, pageOf({ limit, cursor })),
      );
      await requireAccount({ db }, account, rows);
      const showsAllAddresses = caller?.kind === 'operator';
      return toPage(rows, {
        limit,
        list: 'audit',
        keyOf: ({ id }) => [id],
        itemOf: (row) => entryJson(row, { showsAllAddresses }),
      });
    },
  );

  app.get(
    '/v1/audit/export',
    {
      exposeHeadRoute: false,
      config: { allow: 'operator', problems: ['rate_limited'] },
      schema: {
        operationId: 'audit.export',
        summary: 'Export the audit log as CSV or NDJSON',
        description: exportDescription('entries of the audit log'),
        tags,
        querystring: AuditExportQuery,
        response: exportResponse('entry'),
      },
    },
    async ({ caller, query: { account, format, ...filter } }, reply) => {
      const wanted = { accountId: account, ...filter };
      return exporter.send(
        reply,
        callerOf(caller),
        auditExport({ reader }, wanted, { format, showsAllAddresses: true }),
      );
    },
  );

  app.get(
    '/v1/accounts/:account/audit/export',
    {
      exposeHeadRoute: false,
      config: { allow: 'subscriptions:read', problems: ['rate_limited'] },
      schema: {
        operationId: 'audit.exportOfAccount',
        summary: 'Export the audit log of an account as CSV or NDJSON',
        description: 'Like `GET /v1/audit/export`, for one account. Only operators see the addresses of operators.',
        tags,
        params: AccountParams,
        querystring: AccountAuditExportQuery,
        response: exportResponse('entry'),
      },
    },
    async ({ params: { account }, caller, query: { format, ...filter } }, reply) => {
      const shown = { format, showsAllAddresses: caller?.kind === 'operator' };
      return exporter.send(reply, callerOf(caller), auditExport({ reader }, { accountId: account, ...filter }, shown));
    },
  );
};

/** The limit includes the extra row that toPage needs. */
const pageOf = ({ limit, cursor }: { limit: number; cursor: string | undefined }) => ({
  beforeId: beforeId('audit', cursor).id?.lt,
  limit: limit + 1,
});
