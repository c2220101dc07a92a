import type { Event } from '@posthorn/client';
import { readPages } from '../api/read-pages.js';
import { fields, table } from '../output/table.js';
import { printable } from '../output/printable.js';
import type { ApiCall } from './context.js';
import { type ListOptions, present, printList } from './print-resource.js';

export async function listEvents({
  api,
  options,
  terminal,
}: ApiCall<ListOptions & { type?: string[]; q?: string; from?: string; to?: string }>): Promise<void> {
  const account = await api.account();
  const { type, q, from, to } = options;
  const page = await readPages<Event>(options, (at) =>
    api.client.events.list(account, { ...at, ...present({ event: type, q, from, to }) }).page(),
  );
  printList(terminal, page, [
    ['ID', ({ id }) => id],
    ['EVENT', ({ event }) => event],
    ['CREATED', ({ createdAt }) => createdAt],
    ['DELIVERED', ({ deliveries, deliveryCounts }) => `${deliveryCounts.succeeded} of ${deliveries}`],
    ['FAILED', ({ deliveryCounts }) => deliveryCounts.failed],
  ]);
}

export async function getEvent({ api, args: [id = ''], terminal }: ApiCall): Promise<void> {
  const event = await api.client.events.get(await api.account(), id);
  terminal.result(event, () =>
    [
      fields(
        [
          ['id', event.id],
          ['account', event.accountId],
          ['event', event.event],
          ['created', event.createdAt],
        ],
        terminal.paint,
      ),
      printable(JSON.stringify(event.payload, null, 2), { lines: true }),
      event.deliveries.length === 0
        ? 'No deliveries: no subscription matched.'
        : table(
            event.deliveries,
            [
              ['DELIVERY', (row) => row.id],
              ['STATUS', ({ status }) => status],
              ['ATTEMPTS', ({ attemptCount }) => attemptCount],
              ['NEXT ATTEMPT', ({ nextAttemptAt }) => nextAttemptAt],
            ],
            terminal.paint,
          ),
    ].join('\n\n'),
  );
}
