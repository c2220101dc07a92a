import type { AttemptOutcome } from '../generated/prisma/client.js';
import type { PendingOperationalEvent } from './pending-operational-event.js';

/** Returns one or two sentences: what an operational event means and what to do. */
export function advise({
  type,
  detail,
  delivery,
}: Pick<PendingOperationalEvent, 'type' | 'detail' | 'delivery'>): string {
  switch (type) {
    case 'subscription:disabled':
      return ADVICE_WHEN_DISABLED[detail.reason ?? 'manual'] ?? '';
    case 'subscription:failing':
      return 'Every attempt fails, and the subscription will be disabled if this continues. Ask its owner to check the latest attempts.';
    case 'subscription:recovered':
      return 'The subscription is receiving events again. Replay the deliveries that failed in the meantime.';
    case 'delivery:failed':
      return delivery
        ? `${LAST_ATTEMPT[delivery.outcome](delivery.statusCode)} ${FIX[delivery.reason ?? ''] ?? FIX_DEFAULT}`
        : '';
    default:
      return type satisfies never;
  }
}

const ADVICE_WHEN_DISABLED: Record<string, string> = {
  manual: 'The subscription was disabled through the API. Resume it to send events again.',
  failing:
    'Every attempt failed for too long. Ask the owner to fix the endpoint, then resume the subscription and replay failed and missed events.',
  gone: 'The endpoint returned 410 Gone. Delete the subscription, or resume it if that was a mistake.',
};

const FIX_DEFAULT = 'Ask the owner to fix the endpoint, then retry this delivery or replay all failed deliveries.';
const FIX: Record<string, string> = {
  gone: 'The subscription was disabled. Delete it, or resume it if that was a mistake.',
};

const LAST_ATTEMPT: Record<AttemptOutcome, (statusCode: number | null) => string> = {
  ok: () => 'The last attempt succeeded.', // a manual retry after the failure
  http_error: (statusCode) => `The endpoint returned ${statusCode} for the last attempt.`,
  redirect: (statusCode) => `The endpoint returned ${statusCode}, a redirect. Redirects are not followed.`,
  timeout: () => 'The last attempt timed out.',
  dns_error: () => 'The host name of the URL could not be resolved for the last attempt.',
  connect_error: () => 'The last attempt could not connect to the endpoint.',
  tls_error: () => 'The last attempt failed because of the endpoint’s certificate or TLS configuration.',
  auth_error: () => 'The last attempt was not sent, because the authentication of the subscription failed.',
  blocked: () => 'The URL resolves to an address that is not allowed.',
  bad_response: () => 'The response to the last attempt was not valid HTTP.',
  aborted: () => 'A shutdown aborted the last attempt.',
};
