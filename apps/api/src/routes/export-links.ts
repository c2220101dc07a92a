import {
  DeliveryExportQuery,
  EventExportQuery,
  ExportLink,
  ExportLinkState,
  OpenExportLinkQuery,
  toTypeId,
} from '@posthorn/contract';
import { createExportLink, openExportLink, type OpenedExportLink } from '@posthorn/core';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { baseUrlOf } from '../base-url.js';
import { deliveryExport } from '../delivery-export.js';
import type { ApiDeps, App } from '../deps.js';
import { NotFound, Unauthenticated } from '../errors.js';
import { eventExport } from '../event-export.js';
import type { Export, Exporter } from '../exporter.js';
import { type Caller, callerOf } from '../plugins/api-key.js';
import { exportResponse } from './export-response.js';
import { AccountParams, ExportLinkParams, uuidOf } from './params.js';

/** Links for browsers, which cannot send a key when they download. */
export function exportLinkRoutes(
  app: App,
  deps: Pick<ApiDeps, 'db' | 'reader' | 'retries' | 'publicUrl'>,
  { exporter }: { exporter: Exporter },
): void {
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
        tags: ['Deliveries'],
        params: AccountParams,
        querystring: DeliveryExportQuery,
        response: { 201: ExportLink },
      },
    },
    async (request, reply) => {
      const { query } = request;
      deliveryExport(deps, request.params.account, query); // rejects what the export would reject
      return reply.code(201).send(await createLink(request, query));
    },
  );

  app.post(
    '/v1/accounts/:account/events/export-links',
    {
      config: { audit: { target: 'account' }, allow: 'events:read', problems: ['rate_limited'] },
      schema: {
        operationId: 'exportLinks.createForEvents',
        summary: 'Create a link that downloads an export of events',
        description:
          'Like `POST …/export-links`, for the events that `GET …/events/export` returns for the same query.',
        tags: ['Events'],
        params: AccountParams,
        querystring: EventExportQuery,
        response: { 201: ExportLink },
      },
    },
    async (request, reply) => reply.code(201).send(await createLink(request, { of: 'events', ...request.query })),
  );

  app.get(
    '/v1/accounts/:account/export-links/:link',
    {
      config: { allow: 'anyone' },
      schema: {
        operationId: 'exportLinks.get',
        summary: 'Get the state of an export link',
        description:
          'Whether the browser has started the download: some frames may not download files. An expired link may be a 404.',
        tags: ['Deliveries'],
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
          'Streams the export, as `GET …/deliveries/export` or `GET …/events/export` does. The token works once: of several concurrent requests, one gets the export ' +
          'and the others get a 401.',
        tags: ['Deliveries'],
        querystring: OpenExportLinkQuery,
        response: exportResponse('row'),
      },
    },
    async (request, reply) => {
      const link = await openExportLink(deps, request.query);
      if (link === null)
        throw new Unauthenticated('This link has expired or was already used. Start the export again.');
      const caller = creatorOf(link);
      request.caller = caller;
      return exporter.send(reply, caller, exportOf(deps, link));
    },
  );

  async function createLink(request: LinkRequest, query: StoredQuery): Promise<z.input<typeof ExportLink>> {
    const { account } = request.params;
    const caller = callerOf(request.caller);
    exporter.requireShare(caller, account);
    request.auditNotes = { format: { to: query.format } };
    const link = await createExportLink(deps, { accountId: account, query, ...idsOf(caller) });
    if (link === null) throw new NotFound('account');
    return {
      id: toTypeId('exl', link.id),
      url: `${baseUrlOf(request, deps)}/v1/exports?token=${link.token}`,
      token: link.token,
      expiresAt: link.expiresAt.toISOString(),
    };
  }
}

type LinkRequest = FastifyRequest & { params: { account: string } };

/** Without `of`: deliveries. */
type StoredQuery = z.output<typeof DeliveryExportQuery> | ({ of: 'events' } & z.output<typeof EventExportQuery>);

function exportOf(
  deps: Pick<ApiDeps, 'reader' | 'retries'>,
  { accountId, query }: { accountId: string; query: unknown },
): Export {
  const { of, ...rest } = query as Record<string, unknown>;
  return of === 'events'
    ? eventExport(deps, accountId, EventExportQuery.parse(rest))
    : deliveryExport(deps, accountId, DeliveryExportQuery.parse(rest));
}

const idsOf = (caller: Caller) => ({
  kind: caller.kind,
  keyId: caller.kind === 'account' ? caller.keyId : null,
  sessionId: caller.session?.id ?? null,
});

/** Returns the caller who created the link. Its scopes were checked then. */
function creatorOf({ kind, accountId, keyId, sessionId, expiresAt }: OpenedExportLink): Caller {
  const session = sessionId === null ? null : { id: sessionId, expiresAt };
  if (kind === 'operator') return { kind, session };
  if (kind === 'portal' && session !== null) return { kind, accountId, scopes: [], session };
  if (kind === 'account' && keyId !== null) return { kind, accountId, keyId, scopes: [], session };
  throw new Error('unreachable: a link of a key has its id, and a link of a portal its session');
}
