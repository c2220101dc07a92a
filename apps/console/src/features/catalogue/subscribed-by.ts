import { type EventType, isForOperatorsOnly } from '@posthorn/contract';
import { whole } from '../../components/number.js';

/** How many webhooks subscribe to an event type, in words. */
export function subscribedBy({ name, subscriptionCount: count }: EventType): string {
  if (isForOperatorsOnly(name)) return 'Operational event, sent to operators only';
  return count === 0
    ? 'No webhooks subscribed'
    : count === 1
      ? '1 webhook subscribed'
      : `${whole.format(count)} webhooks subscribed`;
}
