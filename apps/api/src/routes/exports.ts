import { DeliveryExportQuery, EventExportQuery } from '@posthorn/contract';
import { deliveryExport } from '../delivery-export.js';
import type { ApiDeps, App } from '../deps.js';
import { eventExport } from '../event-export.js';
import type { Exporter } from '../exporter.js';
import { callerOf } from '../plugins/api-key.js';
import { exportDescription, exportResponse } from './export-response.js';
import { AccountParams, requireAccount } from './params.js';

export function exportRoutes(
  app: App,
  deps: Pick<ApiDeps, 'db' | 'reader' | 'retries'>,
  { exporter }: { exporter: Exporter },
): void {
  app.get(
    '/v1/accounts/:account/deliveries/export',
    {
      exposeHeadRoute: false,
      config: { allow: 'deliveries:read', problems: ['rate_limited'] },
      schema: {
        operationId: 'deliveries.export',
        summary: 'Export deliveries as CSV or NDJSON',
        description: exportDescription('deliveries', {
          state: ', and each delivery has the state of the moment when its page was read',
        }),
        tags: ['Deliveries'],
        params: AccountParams,
        querystring: DeliveryExportQuery,
        response: exportResponse('delivery'),
      },
    },
    async ({ params: { account }, query, caller }, reply) => {
      const exported = deliveryExport(deps, account, query);
      await requireAccount(deps, account, []);
      return exporter.send(reply, callerOf(caller), exported);
    },
  );

  app.get(
    '/v1/accounts/:account/events/export',
    {
      exposeHeadRoute: false,
      config: { allow: 'events:read', problems: ['rate_limited'] },
      schema: {
        operationId: 'events.export',
        summary: 'Export events as CSV or NDJSON',
        description: exportDescription('events', {
          state: '. Each event has the number of its deliveries by status when its page was read, but not its payload',
        }),
        tags: ['Events'],
        params: AccountParams,
        querystring: EventExportQuery,
        response: exportResponse('event'),
      },
    },
    async ({ params: { account }, query, caller }, reply) => {
      await requireAccount(deps, account, []);
      return exporter.send(reply, callerOf(caller), eventExport(deps, account, query));
    },
  );
}
