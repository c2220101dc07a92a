import type { AttemptOutcome } from '../generated/prisma/client.js';
import type { PendingOperationalEvent } from './pending-operational-event.js';

/** What an operational event means and what to do about it, in a sentence or two. */
export function advise({
  type,
  detail,
  delivery,
}: Pick<PendingOperationalEvent, 'type' | 'detail' | 'delivery'>): string {
  switch (type) {
    case 'subscription:disabled':
      return ADVICE_WHEN_DISABLED[detail.reason ?? 'manual'] ?? '';
    case 'subscription:failing':
      return 'Nothing is delivered to it, and if that goes on it is disabled. Ask its owner to look at the latest attempts.';
    case 'subscription:recovered':
      return 'It receives again. What failed meanwhile can be replayed.';
    case 'delivery:failed':
      return delivery
        ? `${SEEN[delivery.outcome](delivery.statusCode)} ${MEND[delivery.reason ?? ''] ?? MEND_DEFAULT}`
        : '';
    default:
      return type satisfies never;
  }
}

const ADVICE_WHEN_DISABLED: Record<string, string> = {
  manual: 'It was disabled over the API. Resume it when it is to receive again.',
  failing:
    'Nothing was delivered to it for too long. Ask its owner to mend the receiver, then resume it and replay what it missed.',
  gone: 'Its receiver answered that it wants no more. Delete it, or resume it if that was a mistake.',
};

const MEND_DEFAULT = 'Ask its owner to mend it, then retry the delivery or replay all that failed.';
const MEND: Record<string, string> = {
  gone: 'The subscription is disabled: delete it, or resume it if that was a mistake.',
};

const SEEN: Record<AttemptOutcome, (statusCode: number | null) => string> = {
  ok: () => 'The last attempt was taken.', // asked for by hand since it failed
  http_error: (statusCode) => `The receiver answered ${statusCode} to the last attempt.`,
  redirect: (statusCode) => `The receiver answered ${statusCode}, a redirect, and redirects are not followed.`,
  timeout: () => 'The receiver did not answer the last attempt in time.',
  dns_error: () => 'The name in its URL was not found at the last attempt.',
  connect_error: () => 'No connection to the receiver came about at the last attempt.',
  tls_error: () => 'The receiver’s certificate or its TLS was not accepted at the last attempt.',
  blocked: () => 'Its URL leads to an address that is not allowed.',
  bad_response: () => 'The receiver’s answer to the last attempt was not HTTP.',
  aborted: () => 'The last attempt was broken off by a shutdown.',
};
