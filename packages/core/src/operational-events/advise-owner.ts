import type { PendingOperationalEvent } from './pending-operational-event.js';

/** Returns what an operational event means for the owner of the webhook, and what to do. */
export function adviseOwner({
  type,
  detail,
  delivery,
}: Pick<PendingOperationalEvent, 'type' | 'detail' | 'delivery'>): string {
  switch (type) {
    case 'subscription:disabled':
      return WHEN_DISABLED[detail.reason ?? ''] ?? 'It was disabled manually. Enable it to receive events again.';
    case 'subscription:failing':
      return 'Every attempt fails. Look at the latest attempts and fix the endpoint, or the webhook will be disabled.';
    case 'subscription:recovered':
      return 'It receives events again. Replay the deliveries that failed in the meantime.';
    case 'delivery:failed':
      return delivery?.reason === 'gone'
        ? 'The endpoint returned 410, so the webhook was disabled. Enable it if that was a mistake.'
        : 'No attempt is left. Fix the endpoint, then retry the delivery or replay all that failed.';
    default:
      return type satisfies never;
  }
}

const WHEN_DISABLED: Record<string, string> = {
  failing: 'Nothing was delivered for too long. Fix the endpoint, enable the webhook, then replay the missed events.',
  gone: 'The endpoint returned 410 Gone. Delete the webhook, or enable it if that was a mistake.',
};
