import type { Event, EventExportQuery } from '@posthorn/contract';
import type { z } from 'zod';
import type { ApiDeps } from './deps.js';
import { rowFormats } from './export-format.js';
import { type Export, exportTexts, nextBeforeIdOf, PAGE_SIZE } from './exporter.js';
import { eventJson } from './routes/event-json.js';
import { readEventPage, wantedEvents } from './routes/event-page.js';

const FORMATS = rowFormats<Event>([
  ['id', ({ id }) => id],
  ['account_id', ({ accountId }) => accountId],
  ['event', ({ event }) => event],
  ['created_at', ({ createdAt }) => createdAt],
  ['deliveries', ({ deliveries }) => deliveries],
  ['fan_out', ({ fanOut }) => fanOut],
  ['pending', ({ deliveryCounts }) => deliveryCounts.pending],
  ['held', ({ deliveryCounts }) => deliveryCounts.held],
  ['succeeded', ({ deliveryCounts }) => deliveryCounts.succeeded],
  ['failed', ({ deliveryCounts }) => deliveryCounts.failed],
  ['canceled', ({ deliveryCounts }) => deliveryCounts.canceled],
]);

/** The events of an account that match the query, newest first, without their payloads. */
export function eventExport(
  { reader }: Pick<ApiDeps, 'reader'>,
  account: string,
  { format, ...filter }: z.output<typeof EventExportQuery>,
): Export {
  const wanted = wantedEvents(account, filter);
  const texts = exportTexts(FORMATS[format], async (beforeId) => {
    const { result } = await reader.read((db) => readEventPage(db, { ...wanted, beforeId, limit: PAGE_SIZE }));
    return {
      rows: result.rows.map(({ row, progress }) => eventJson(row, progress)),
      nextBeforeId: nextBeforeIdOf(result.found, result.searchedTo),
    };
  });
  return { account, what: 'events', format, texts };
}
