import type { Delivery, QueryOf } from '@posthorn/client';
import { readPages } from '../api/read-pages.js';
import { fields, table } from '../output/table.js';
import type { ApiCall } from './context.js';
import { type ListOptions, present, printList, printOne } from './print-resource.js';

export interface FilterOptions {
  subscription?: string[];
  event?: string;
  type?: string[];
  status?: string[];
  outcome?: string[];
  statusCode?: string[];
  q?: string;
  from?: string;
  to?: string;
}

const deliveryFields = (of: Delivery) =>
  [
    ['id', of.id],
    ['event', `${of.event} ${of.eventId}`],
    ['subscription', of.subscriptionId],
    ['url', of.url],
    ['status', of.statusReason === null ? of.status : `${of.status} (${of.statusReason})`],
    ['attempts', `${of.attemptCount} of ${of.maxAttempts}`],
    ['next attempt', of.nextAttemptAt],
    ['created', of.createdAt],
    ['completed', of.completedAt],
  ] as const;

export async function listDeliveries({ api, options, terminal }: ApiCall<ListOptions & FilterOptions>): Promise<void> {
  const account = await api.account();
  const query = filterOf(options);
  const page = await readPages<Delivery>(options, (at) =>
    api.client.deliveries.list(account, { ...at, ...query } as QueryOf<'deliveries.list'>).page(),
  );
  printList(terminal, page, [
    ['ID', ({ id }) => id],
    ['STATUS', ({ status }) => status],
    ['LAST', ({ lastAttempt }) => lastAttempt && (lastAttempt.statusCode ?? lastAttempt.outcome)],
    ['ATTEMPTS', ({ attemptCount }) => attemptCount],
    ['CREATED', ({ createdAt }) => createdAt],
    ['EVENT', ({ event }) => event],
    ['URL', ({ url }) => url],
  ]);
}

export async function countDeliveries({ api, options, terminal }: ApiCall<FilterOptions>): Promise<void> {
  const count = await api.client.deliveries.count(
    await api.account(),
    filterOf(options) as QueryOf<'deliveries.count'>,
  );
  terminal.result(count, () => `${count.count}${count.more ? ' or more' : ''}`);
}

export async function getDelivery({ api, args: [id = ''], terminal }: ApiCall): Promise<void> {
  const delivery = await api.client.deliveries.get(await api.account(), id);
  terminal.result(delivery, () =>
    [
      fields(deliveryFields(delivery), terminal.paint),
      delivery.attempts.length === 0
        ? 'No attempts yet.'
        : table(
            delivery.attempts,
            [
              ['ATTEMPT', ({ number }) => number],
              ['STARTED', ({ startedAt }) => startedAt],
              ['TRIGGER', ({ trigger }) => trigger],
              ['OUTCOME', ({ outcome }) => outcome],
              ['STATUS', ({ statusCode }) => statusCode],
              ['MS', ({ durationMs }) => durationMs],
              ['ERROR', ({ error }) => error],
            ],
            terminal.paint,
          ),
    ].join('\n\n'),
  );
}

export async function retryDelivery({ api, args: [id = ''], terminal }: ApiCall): Promise<void> {
  const delivery = await api.client.deliveries.retry(await api.account(), id);
  printOne(terminal, delivery, deliveryFields);
}

const filterOf = ({ subscription, event, type, status, outcome, statusCode, q, from, to }: FilterOptions) =>
  present({ subscription, event, eventType: type, status, outcome, statusCode, q, from, to });
