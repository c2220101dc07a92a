import type { Delivery, EXPORT_FORMATS } from '@posthorn/contract';
import { type Cell, csvLine } from './csv.js';

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

const COLUMNS: [name: string, cell: (delivery: Delivery) => Cell][] = [
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
];

interface Format {
  contentType: string;
  /** The first line. */
  head: string;
  line: (delivery: Delivery) => string;
}

export const FORMATS: Record<ExportFormat, Format> = {
  csv: {
    contentType: 'text/csv; charset=utf-8; header=present',
    head: csvLine(COLUMNS.map(([name]) => name)),
    line: (delivery) => csvLine(COLUMNS.map(([, cell]) => cell(delivery))),
  },
  ndjson: {
    contentType: 'application/x-ndjson',
    head: '',
    line: (delivery) => `${JSON.stringify(delivery)}\n`,
  },
};
