import { type Attempt, type Delivery, type LastAttempt, toTypeId, type Waiting } from '@posthorn/contract';
import {
  type Attempt as AttemptRow,
  type Database,
  type ListedDelivery as Row,
  readWaiting,
  responseText,
  retryPolicyOf,
  storedSchedule,
  type WhyWaiting,
} from '@posthorn/core';
import { shownRequestHeaders } from '@posthorn/sender';
import type { ApiDeps } from '../deps.js';

/** The fields of a delivery's JSON that are not in its row. */
export interface Shown {
  /** The current URL of the subscription. */
  url: string;
  /** The subscription's own; null: the default. */
  retrySchedule: number[] | null;
  waiting: WhyWaiting | null;
}

/** Reads these fields for deliveries of one account, including those of deleted subscriptions. */
export async function readShown({ prisma, pool }: Database, rows: Row[]): Promise<(row: Row) => Shown> {
  const subscriptionIds = [...new Set(rows.map(({ subscriptionId }) => subscriptionId))];
  const [subscriptions, waiting] = await Promise.all([
    prisma.subscription.findMany({
      where: { id: { in: subscriptionIds } },
      select: { id: true, url: true, retrySchedule: true },
    }),
    readWaiting(pool, { accountId: rows[0]?.accountId ?? '', ids: rows.map(({ id }) => id) }),
  ]);
  const byId = new Map(subscriptions.map((one) => [one.id, one]));
  return ({ id, subscriptionId }) => {
    const of = byId.get(subscriptionId);
    const retrySchedule = storedSchedule(of?.retrySchedule);
    return { url: of?.url ?? '', retrySchedule, waiting: waiting.get(id) ?? null };
  };
}

/** Returns the last attempt from the columns of the delivery; null before the first attempt. */
export const lastAttemptJson = (
  row: Pick<Row, 'lastOutcome' | 'lastTrigger' | 'lastStatusCode' | 'lastDurationMs' | 'lastAttemptAt'>,
): LastAttempt | null =>
  row.lastOutcome === null || row.lastTrigger === null || row.lastDurationMs === null || row.lastAttemptAt === null
    ? null
    : {
        outcome: row.lastOutcome,
        trigger: row.lastTrigger,
        statusCode: row.lastStatusCode,
        durationMs: row.lastDurationMs,
        at: row.lastAttemptAt.toISOString(),
      };

export const deliveryJson = (
  { retries }: Pick<ApiDeps, 'retries'>,
  row: Row,
  { url, retrySchedule, waiting }: Shown,
): Delivery => ({
  id: toTypeId('dlv', row.id),
  accountId: row.accountId,
  eventId: toTypeId('evt', row.eventId),
  event: row.eventType,
  subscriptionId: toTypeId('sub', row.subscriptionId),
  url,
  status: row.status,
  statusReason: row.statusReason,
  attemptCount: row.attemptCount,
  maxAttempts: retryPolicyOf({ retrySchedule, timeoutMs: null }, retries).waitsMs.length + 1,
  lastAttempt: lastAttemptJson(row),
  nextAttemptAt: row.dueAt?.toISOString() ?? null,
  waitingFor: waiting && waitingJson(waiting),
  createdAt: row.createdAt.toISOString(),
  completedAt: row.completedAt?.toISOString() ?? null,
});

function waitingJson({ state, until, behind }: WhyWaiting): Waiting {
  const id = behind && ('eventId' in behind ? toTypeId('evt', behind.eventId) : toTypeId('dlv', behind.deliveryId));
  return { state, until: until?.toISOString() ?? null, behind: id ?? null };
}

export const attemptJson = (row: AttemptRow, { eventId }: Pick<Row, 'eventId'>): Attempt => {
  const responseHeaders = row.responseHeaders === null ? null : textValues(row.responseHeaders);
  return {
    id: toTypeId('att', row.id),
    number: row.number,
    trigger: row.trigger,
    outcome: row.outcome,
    statusCode: row.statusCode,
    startedAt: row.startedAt.toISOString(),
    durationMs: row.durationMs,
    timings: { dnsMs: row.dnsMs, connectMs: row.connectMs, tlsMs: row.tlsMs, firstByteMs: row.firstByteMs },
    url: row.url,
    remoteAddress: row.remoteAddress,
    requestHeaders: requestHeaders(row, toTypeId('evt', eventId)),
    responseHeaders,
    responseBody:
      row.responseBody && responseText(row.responseBody, { headers: responseHeaders, isCut: row.responseTruncated }),
    responseTruncated: row.responseTruncated,
    errorCode: row.errorCode,
    error: row.error,
  };
};

/** Rebuilds the request headers, since only their variable parts are stored. */
function requestHeaders(row: AttemptRow, webhookId: string): Record<string, string> {
  const { userAgent, bodyBytes, signatureCount, ownHeaders } = row;
  if (userAgent === null || bodyBytes === null || signatureCount === null) return {};
  const ownNames = ownHeaders?.split(' ') ?? [];
  return shownRequestHeaders({ userAgent, bodyBytes, signatureCount, ownNames }, { ...row, webhookId });
}

function textValues(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) throw new Error('stored headers are not an object');
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
