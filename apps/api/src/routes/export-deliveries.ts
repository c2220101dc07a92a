import type { Readable } from 'node:stream';
import { DeliveryExportQuery, ExportLink, ExportLinkState, OpenExportLinkQuery, toTypeId } from '@posthorn/contract';
import { createExportLink, openExportLink, type OpenedExportLink } from '@posthorn/core';
import { z } from 'zod';
import { baseUrlOf } from '../base-url.js';
import type { ApiDeps, App, Routes } from '../deps.js';
import { NotFound, Unauthenticated } from '../errors.js';
import { type Exporter, openExporter } from '../exporter.js';
import type { Caller } from '../plugins/api-key.js';
import { wantedOf } from './delivery-page.js';
import { AccountParams, ExportLinkParams, requireAccount, uuidOf } from './params.js';

const tags = ['Deliveries'];
const text = z.custom<Readable>().meta({ type: 'string', description: 'One delivery per line, newest first.' });
const response = {
  200: {
    description: 'The deliveries.',
    content: { 'text/csv': { schema: text }, 'application/x-ndjson': { schema: text } },
  },
};

export const deliveryExportRoutes: Routes<'db' | 'reader' | 'retries' | 'publicUrl'> = (app, deps) => {
  const exporter = openExporter(app, deps);
  linkRoutes(app, deps, exporter);

  app.get(
    '/v1/accounts/:account/deliveries/export',
    {
      exposeHeadRoute: false,
      config: { allow: 'deliveries:read', problems: ['rate_limited'] },
      schema: {
        operationId: 'deliveries.export',
        summary: 'Export deliveries as CSV or NDJSON',
        description:
          'Streams all deliveries that match the filters, newest first. Posthorn reads them in pages, as fast as you read the response, and ' +
          'each delivery has the state of the moment when its page was read. Deliveries created after the export started are not included. ' +
          'If the connection ends early, the export is incomplete: export the rest with `to` just after the `created_at` of the last line, and ' +
          'ignore repeated ids. ' +
          'Posthorn closes the connection if you read nothing for a minute. ' +
          'In CSV, a text that begins with `=`, `+`, `-` or `@` gets a leading apostrophe, so that spreadsheets do not run it as a formula. ' +
          'At most 2 exports per key or portal, 4 per account and 20 per API process run at the same time. Another one gets a 429.',
        tags,
        params: AccountParams,
        querystring: DeliveryExportQuery,
        response,
      },
    },
    async ({ params: { account }, query, caller }, reply) => {
      const exporting = { caller: required(caller), account, query };
      await requireAccount(deps, account, []);
      return exporter.send(reply, exporting);
    },
  );
};

/** Links for browsers, which cannot send a key when they download. */
function linkRoutes(app: App, deps: Pick<ApiDeps, 'db' | 'publicUrl'>, exporter: Exporter): void {
  app.post(
    '/v1/accounts/:account/export-links',
    {
      config: { audit: { target: 'account' }, allow: 'deliveries:read', problems: ['rate_limited'] },
      schema: {
        operationId: 'exportLinks.create',
        summary: 'Create a link that downloads an export',
        description:
          'For browsers, which cannot send a key with a download. The link downloads the deliveries that `GET …/deliveries/export` returns ' +
          'for the same query. It works once, within a minute, and ends with the key or session that created it.',
        tags,
        params: AccountParams,
        querystring: DeliveryExportQuery,
        response: { 201: ExportLink },
      },
    },
    async (request, reply) => {
      const { query } = request;
      const { account } = request.params;
      const caller = required(request.caller);
      wantedOf(account, query); // rejects what the export would reject
      exporter.requireShare(caller, account);
      request.auditNotes = { format: { to: query.format } };
      const link = await createExportLink(deps, { accountId: account, query, ...idsOf(caller) });
      if (link === null) throw new NotFound('account');
      return reply.code(201).send({
        id: toTypeId('exl', link.id),
        url: `${baseUrlOf(request, deps)}/v1/exports?token=${link.token}`,
        token: link.token,
        expiresAt: link.expiresAt.toISOString(),
      });
    },
  );

  app.get(
    '/v1/accounts/:account/export-links/:link',
    {
      config: { allow: 'deliveries:read' },
      schema: {
        operationId: 'exportLinks.get',
        summary: 'Get the state of an export link',
        description:
          'Whether the browser has started the download: some frames may not download files. An expired link may be a 404.',
        tags,
        params: ExportLinkParams,
        response: { 200: ExportLinkState },
      },
    },
    async ({ params: { account, link } }) => {
      const id = uuidOf('exl', link);
      const row = await deps.db.prisma.exportLink.findFirst({ where: { id, accountId: account } });
      if (!row) throw new NotFound('export link');
      return { id: link, expiresAt: row.expiresAt.toISOString(), openedAt: row.openedAt?.toISOString() ?? null };
    },
  );

  app.get(
    '/v1/exports',
    {
      exposeHeadRoute: false,
      config: { allow: 'public', problems: ['rate_limited'] },
      schema: {
        operationId: 'exportLinks.open',
        summary: 'Download the export of a link',
        description:
          'Streams the export, as `GET …/deliveries/export` does. The token works once: of several concurrent requests, one gets the export ' +
          'and the others get a 401.',
        tags,
        querystring: OpenExportLinkQuery,
        response,
      },
    },
    async (request, reply) => {
      const link = await openExportLink(deps, request.query);
      if (link === null)
        throw new Unauthenticated('This link has expired or was already used. Start the export again.');
      const caller = callerOf(link);
      request.caller = caller;
      return exporter.send(reply, { caller, account: link.accountId, query: DeliveryExportQuery.parse(link.query) });
    },
  );
}

function required(caller: Caller | null): Caller {
  if (caller === null) throw new Unauthenticated('Send a key in the header Authorization: Bearer <key>.');
  return caller;
}

const idsOf = (caller: Caller) => ({
  kind: caller.kind,
  keyId: caller.kind === 'account' ? caller.keyId : null,
  sessionId: caller.session?.id ?? null,
});

/** Returns the caller who created the link. Its scopes were checked then. */
function callerOf({ kind, accountId, keyId, sessionId, expiresAt }: OpenedExportLink): Caller {
  const session = sessionId === null ? null : { id: sessionId, expiresAt };
  if (kind === 'operator') return { kind, session };
  if (kind === 'portal' && session !== null) return { kind, accountId, scopes: [], session };
  if (kind === 'account' && keyId !== null) return { kind, accountId, keyId, scopes: [], session };
  throw new Error('unreachable: a link of a key has its id, and a link of a portal its session');
}
