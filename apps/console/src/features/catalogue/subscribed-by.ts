import type { EventType } from '@posthorn/contract';

/** How many webhooks subscribe to an event type, in words. */
export function subscribedBy({ operational, subscriptionCount: count }: EventType): string {
  if (operational) return 'Posthorn’s own, for its operators';
  return count === 0 ? 'No webhook wants it' : count === 1 ? '1 webhook wants it' : `${count} webhooks want it`;
}
