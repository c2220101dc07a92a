import { type DeliveryState, type Event, type PublishedEvent, toTypeId } from '@posthorn/contract';
import type { DeliveryCounts, Event as Row, ListedDelivery, PublishedEvent as Published } from '@posthorn/core';

export const publishedJson = (event: Published, duplicate: boolean): PublishedEvent => ({
  id: toTypeId('evt', event.id),
  accountId: event.accountId,
  event: event.type,
  createdAt: event.createdAt.toISOString(),
  deliveries: event.deliveryCount,
  fanOut: event.isFanOut ? 'expanding' : null,
  duplicate,
});

/** The progress of an event's deliveries. */
export interface Progress {
  deliveryCounts: DeliveryCounts;
  /** Workers are still creating deliveries. */
  isExpanding: boolean;
}

export const eventJson = (row: Omit<Row, 'body'>, { deliveryCounts, isExpanding }: Progress): Event => ({
  id: toTypeId('evt', row.id),
  accountId: row.accountId,
  event: row.type,
  createdAt: row.createdAt.toISOString(),
  deliveries: row.deliveryCount,
  fanOut: isExpanding ? 'expanding' : null,
  deliveryCounts,
});

/** Returns an event with its payload as JSON text. The payload is copied from the stored bytes: parsing and serializing it would
 *  round large numbers and reorder keys. */
export function eventDetailText(row: Row, deliveries: ListedDelivery[], progress: Progress): string {
  const head = JSON.stringify({ ...eventJson(row, progress), deliveries: deliveries.map(deliveryState) });
  return `${head.slice(0, -1)},"payload":${payloadText(row)}}`;
}

/** Returns the payload of the stored `{"event":"<type>","payload":…}`; null if it was deleted. */
function payloadText({ type, body }: Pick<Row, 'type' | 'body'>): string {
  if (body.length === 0) return 'null';
  const before = `{"event":${JSON.stringify(type)},"payload":`;
  const text = Buffer.from(body).toString('utf8');
  if (!text.startsWith(before)) throw new Error('the stored body of an event is not in its frozen form');
  return text.slice(before.length, -1);
}

const deliveryState = (row: ListedDelivery): DeliveryState => ({
  id: toTypeId('dlv', row.id),
  subscriptionId: toTypeId('sub', row.subscriptionId),
  status: row.status,
  statusReason: row.statusReason,
  attemptCount: row.attemptCount,
  nextAttemptAt: row.dueAt?.toISOString() ?? null,
  completedAt: row.completedAt?.toISOString() ?? null,
});
