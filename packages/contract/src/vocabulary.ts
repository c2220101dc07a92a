import { type Advice, attemptAdvice, type AttemptProblem } from './attempt-advice.js';
import type { Attention } from './attention.js';
import type { AttemptOutcome, AttemptTrigger, DeliveryStatus } from './delivery-status.js';
import type { Scope } from './key.js';
import type { SubscriptionStatus, Verification } from './subscription.js';
import type { WaitingState } from './waiting.js';

// Texts for the console, the CLI and the docs. No zod is needed here. fill() replaces {name} in a text.

export type Tone = 'success' | 'progress' | 'warning' | 'danger' | 'neutral';

interface StatusWords {
  label: string;
  tone: Tone;
  /** What the status means, and what to do. */
  text: string;
}

export const SUBSCRIPTION_WORDS: Record<SubscriptionStatus, StatusWords> = {
  unverified: {
    label: 'Unverified',
    tone: 'warning',
    text: 'Not receiving events: this URL is not verified yet.',
  },
  active: { label: 'Active', tone: 'success', text: 'Receiving events.' },
  paused: { label: 'Paused', tone: 'neutral', text: 'Deliveries are held. They are sent when you resume the webhook.' },
  disabled: { label: 'Disabled', tone: 'danger', text: 'New events are not queued.' },
};

/** Why a subscription is disabled, by its `statusReason`. */
export const DISABLED_REASONS: Record<string, StatusWords> = {
  manual: { label: 'Disabled', tone: 'neutral', text: 'Disabled manually. New events are not queued.' },
  failing: {
    label: 'Disabled · failing',
    tone: 'danger',
    text: 'Disabled because deliveries kept failing. Fix the endpoint, send a test, then enable the webhook.',
  },
  gone: {
    label: 'Disabled · gone',
    tone: 'danger',
    text: 'Disabled because the endpoint returned 410 Gone. Enable the webhook if that was a mistake.',
  },
};

/** A failing webhook keeps the status active, so it needs a label of its own. */
export const FAILING_WORDS: StatusWords = {
  label: 'Active · failing',
  tone: 'warning',
  text: 'Every attempt fails. Check the last response of the endpoint.',
};

/** Returns why a webhook needs attention, and what to do. */
export function attentionWords({ reason, detail }: Pick<Attention, 'reason' | 'detail'>): StatusWords {
  switch (reason) {
    case 'disabled':
      return DISABLED_REASONS[detail ?? ''] ?? SUBSCRIPTION_WORDS.disabled;
    case 'failing':
      return FAILING_WORDS;
    case 'unverified': {
      const { text, ...words } = SUBSCRIPTION_WORDS.unverified;
      const fix = detail === null ? undefined : explainVerification({ reason: detail, statusCode: null })?.fix;
      return { ...words, text: fix === undefined ? text : `${text} ${fix}` };
    }
    case 'overdue':
      return {
        label: 'Overdue',
        tone: 'danger',
        text: 'Deliveries are due, but no worker has attempted them. Check that workers are running.',
      };
    default:
      return reason satisfies never;
  }
}

export const DELIVERY_WORDS: Record<DeliveryStatus, StatusWords> = {
  pending: {
    label: 'Pending',
    tone: 'progress',
    text: 'The next attempt is scheduled. Each wait is longer than the last.',
  },
  held: {
    label: 'Held',
    tone: 'neutral',
    text: 'The webhook is paused or disabled. The delivery is sent when the webhook is resumed.',
  },
  succeeded: { label: 'Succeeded', tone: 'success', text: 'Delivered: the endpoint returned 2xx.' },
  failed: { label: 'Failed', tone: 'danger', text: 'All attempts failed. Retry makes one more.' },
  canceled: { label: 'Canceled', tone: 'neutral', text: 'No more attempts will be made.' },
};

/** What a delivery waits for. {time}: when that ends, as far as it is known. */
export const WAITING_WORDS: Record<WaitingState, string> = {
  scheduled: 'Next attempt {time}',
  leased: 'Queued: a worker is about to send it',
  ready: 'About to be queued',
  overdue: 'Overdue: no worker has attempted it',
  deferred_slots: 'Waiting for other attempts of this webhook to end',
  deferred_rate_limit: 'Waiting for its turn under the rate limit, {time}',
  deferred_order: 'Waiting for the delivery before it (strict order)',
  deferred_circuit_open: 'Waiting: the endpoint keeps failing; next attempt {time}',
  held: 'Waiting for its webhook to be resumed',
};

/** Why a pending delivery waits, and what ends it, below WAITING_WORDS. */
export const WAITING_HELP: Record<WaitingState, string> = {
  scheduled: DELIVERY_WORDS.pending.text,
  leased: 'A worker makes the next attempt within moments.',
  ready: 'The next attempt is due and is queued within moments.',
  overdue: 'The next attempt is due. Check that workers are running.',
  deferred_slots: 'The endpoint is slow, so only some deliveries are attempted at once.',
  deferred_rate_limit: 'The webhook has a rate limit.',
  deferred_order: 'The webhook gets one delivery at a time, in the order of publishing.',
  deferred_circuit_open:
    'Every attempt of this webhook has failed lately, so its deliveries wait. They are sent when an attempt succeeds.',
  held: DELIVERY_WORDS.held.text,
};

export const TRIGGER_WORDS: Record<AttemptTrigger, string> = {
  auto: 'Automatic',
  manual: 'Manual',
  test: 'Test',
  replay: 'Replay',
};

/** What a key or a portal may do. */
export const SCOPE_WORDS: Record<Scope, string> = {
  'events:write': 'Publish events',
  'events:read': 'See events with their payloads',
  'subscriptions:read': 'See webhooks',
  'subscriptions:write': 'Add, change, test and delete webhooks',
  'deliveries:read': 'See deliveries and attempts',
  'deliveries:write': 'Retry and replay deliveries',
  'secrets:read': 'See signing secrets',
};

/** What a scope allows, in a sentence. */
export const SCOPE_HELP: Record<Scope, string> = {
  'events:write': 'For the server that publishes events. A test with your own payload needs it too.',
  'events:read': 'Lists events, and reads the payloads that were sent.',
  'subscriptions:read': 'Lists webhooks with their URLs and states, and the audit log of the account.',
  'subscriptions:write': 'Also verifies, pauses and disables them, and changes who gets emails.',
  'deliveries:read': 'Lists deliveries with the responses of endpoints, and reads statistics.',
  'deliveries:write': 'Retries single deliveries, and replays failed deliveries and missed events.',
  'secrets:read': 'Secrets are needed to verify requests. They can also forge requests.',
};

interface Explanation extends Advice {
  title: string;
}

/** How an attempt ended. */
export const OUTCOME_TITLES: Record<AttemptOutcome, string> = {
  ok: 'Delivered: endpoint returned {status}',
  http_error: 'Endpoint returned {status} (expected 2xx)',
  redirect: 'Endpoint redirects to {location}',
  timeout: 'No complete response within {limit} s',
  dns_error: 'Could not resolve {host}',
  connect_error: 'Could not connect to {host}',
  tls_error: 'No secure connection to {host}',
  auth_error: 'Not sent: the authentication failed',
  blocked: 'This address is not allowed',
  bad_response: 'The response is not valid HTTP',
  aborted: 'Posthorn ended this attempt',
};

/** An outcome in a word or two. */
export const OUTCOME_WORDS: Record<AttemptOutcome, string> = {
  ok: 'Delivered',
  http_error: 'HTTP error',
  redirect: 'Redirect',
  timeout: 'Timeout',
  dns_error: 'DNS error',
  connect_error: 'Connection error',
  tls_error: 'TLS error',
  auth_error: 'Authentication error',
  blocked: 'Blocked address',
  bad_response: 'Invalid response',
  aborted: 'Aborted',
};

/** Reasons of a failed verification whose response arrived. The other reasons are outcomes of an attempt. */
const VERIFICATION_WORDS: Record<'status' | 'mismatch' | 'empty' | 'too_large' | 'superseded', Explanation> = {
  status: {
    title: OUTCOME_TITLES.http_error,
    cause: 'The handler does not know the event webhook:verify, or something in front of it rejected the request.',
    fix: 'Return 200 with the payload as the body.',
  },
  mismatch: {
    title: 'Unexpected response body',
    cause: 'The handler probably returns the same body for every event, such as {"ok":true}.',
    fix: 'For the event webhook:verify, return only the payload.',
  },
  empty: {
    title: 'Empty response body',
    cause: 'The handler acknowledges the event, but does not return the payload.',
    fix: 'For the event webhook:verify, return the payload as the body.',
  },
  too_large: {
    title: 'Response too large',
    cause: 'The URL returned a page instead of the payload: an error page, or the front page of a site.',
    fix: 'Check the path. For the event webhook:verify, return only the payload.',
  },
  superseded: {
    title: 'A newer verification replaced this one',
    cause: 'The URL was changed or verified again before this verification ended.',
    fix: 'Nothing to do: the newer verification counts.',
  },
};

const isOutcome = (reason: string): reason is AttemptOutcome => Object.hasOwn(OUTCOME_TITLES, reason);

/** Where the fix of an attempt does not apply to a verification. */
const VERIFICATION_FIXES: Partial<Record<AttemptProblem, string>> = {
  too_many_requests: 'Wait a minute, then verify again. If it fails again, exempt the path from the limit.',
  server_error:
    'Find the error in the log of the endpoint. For the event webhook:verify, return 200 with the payload as the body.',
};

/** Explains the reason of a failed verification, with the status of the response if there was one. Returns null for an unknown reason. */
export function explainVerification({
  reason,
  statusCode,
}: Pick<Verification, 'statusCode'> & { reason: string }): Explanation | null {
  if (reason === 'status') return explainStatus(statusCode);
  if (Object.hasOwn(VERIFICATION_WORDS, reason)) return VERIFICATION_WORDS[reason as keyof typeof VERIFICATION_WORDS];
  if (!isOutcome(reason)) return null;
  const advice = attemptAdvice({ outcome: reason, statusCode: null, errorCode: null });
  return advice && { title: OUTCOME_TITLES[reason], cause: advice.cause, fix: toVerification(advice.fix) };
}

function explainStatus(statusCode: number | null): Explanation {
  const advice = attemptAdvice({ outcome: 'http_error', statusCode, errorCode: null });
  // The handler may not know the event. A 410 asks to stop deliveries, which a verification has none of.
  if (statusCode === null || advice === null || advice.problem === 'client_error' || advice.problem === 'gone')
    return VERIFICATION_WORDS.status;
  const { problem, cause, fix } = advice;
  return { title: OUTCOME_TITLES.http_error, cause, fix: VERIFICATION_FIXES[problem] ?? toVerification(fix) };
}

const toVerification = (fix: string): string => fix.replace(/([Tt]hen) retry\.$/, '$1 verify again.');

/** Returns what to show for a failed verification. `error` explains a missing response, the reason explains a wrong one. */
export function verificationWords({
  reason,
  statusCode,
  error,
}: Pick<Verification, 'reason' | 'statusCode' | 'error'>): { title: string; sentences: string[] } {
  const words = explainVerification({ reason: reason ?? '', statusCode });
  const isResponse = reason !== null && Object.hasOwn(VERIFICATION_WORDS, reason);
  return {
    title: words?.title ?? 'Verification failed',
    sentences: error !== null && !isResponse ? [error] : words ? [words.cause, words.fix] : [],
  };
}

/** Replaces each {name} with its value, or with `fallback` if it has none. */
export const fill = (
  text: string,
  values: Record<string, string | number | null | undefined>,
  fallback = '…',
): string => text.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? fallback));

/** A handler in JavaScript that passes the handshake. */
export const HANDSHAKE_SNIPPET = `app.post('/webhook', express.json(), (request, response) => {
  const { event, payload } = request.body;
  if (event === 'webhook:verify') return response.send(payload);
  response.sendStatus(200);
  handle(event, payload);
});`;
