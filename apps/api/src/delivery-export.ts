import type { Delivery, DeliveryExportQuery } from '@posthorn/contract';
import type { z } from 'zod';
import type { ApiDeps } from './deps.js';
import { rowFormats } from './export-format.js';
import { type Export, exportTexts, nextBeforeIdOf, PAGE_SIZE } from './exporter.js';
import { deliveryJson, readShown } from './routes/delivery-json.js';
import { readPage, wantedOf } from './routes/delivery-page.js';

const FORMATS = rowFormats<Delivery>([
  ['id', ({ id }) => id],
  ['account_id', ({ accountId }) => accountId],
  ['event_id', ({ eventId }) => eventId],
  ['event', ({ event }) => event],
  ['subscription_id', ({ subscriptionId }) => subscriptionId],
  ['url', ({ url }) => url],
  ['status', ({ status }) => status],
  ['status_reason', ({ statusReason }) => statusReason],
  ['attempt_count', ({ attemptCount }) => attemptCount],
  ['last_outcome', ({ lastAttempt }) => lastAttempt?.outcome ?? null],
  ['last_status_code', ({ lastAttempt }) => lastAttempt?.statusCode ?? null],
  ['last_trigger', ({ lastAttempt }) => lastAttempt?.trigger ?? null],
  ['last_duration_ms', ({ lastAttempt }) => lastAttempt?.durationMs ?? null],
  ['last_attempt_at', ({ lastAttempt }) => lastAttempt?.at ?? null],
  ['next_attempt_at', ({ nextAttemptAt }) => nextAttemptAt],
  ['waiting_for', ({ waitingFor }) => waitingFor?.state ?? null],
  ['created_at', ({ createdAt }) => createdAt],
  ['completed_at', ({ completedAt }) => completedAt],
]);

/** The deliveries of an account that match the query, newest first. Throws InvalidRequest. */
export function deliveryExport(
  deps: Pick<ApiDeps, 'reader' | 'retries'>,
  account: string,
  { format, ...filter }: z.output<typeof DeliveryExportQuery>,
): Export {
  const wanted = wantedOf(account, filter);
  const texts = exportTexts(FORMATS[format], async (beforeId) => {
    const { result } = await deps.reader.read(async (db) => {
      const { rows, searchedTo } = await readPage(db, { ...wanted, beforeId, limit: PAGE_SIZE });
      return { rows, searchedTo, shownOf: await readShown(db, rows) };
    });
    const { rows, searchedTo, shownOf } = result;
    return {
      rows: rows.map((row) => deliveryJson(deps, row, shownOf(row))),
      nextBeforeId: nextBeforeIdOf(rows, searchedTo),
    };
  });
  return { account, what: 'deliveries', format, texts };
}
