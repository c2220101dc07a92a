import type { Attention } from './attention.js';
import type { AttemptOutcome, AttemptTrigger, DeliveryStatus } from './delivery-status.js';
import type { Scope } from './key.js';
import type { SubscriptionStatus, Verification } from './subscription.js';
import type { WaitingState } from './waiting.js';

// Words for people: label, tone, and what to do about it, for the console, the CLI and the docs alike. No zod is needed here.
// In texts, {name} stands for what fill() puts in.

export type Tone = 'success' | 'progress' | 'warning' | 'danger' | 'neutral';

interface StatusWords {
  label: string;
  tone: Tone;
  /** What it means for whoever looks at it. */
  text: string;
}

export const SUBSCRIPTION_WORDS: Record<SubscriptionStatus, StatusWords> = {
  unverified: {
    label: 'Unverified',
    tone: 'warning',
    text: 'Gets no events: the URL has not proven yet that it wants them.',
  },
  active: { label: 'Active', tone: 'success', text: 'Receiving.' },
  paused: { label: 'Paused', tone: 'neutral', text: 'Deliveries are held, none is lost. They go out on resume.' },
  disabled: { label: 'Disabled', tone: 'danger', text: 'Events are not queued for it.' },
};

/** Why a subscription is disabled, by its `statusReason`. */
export const DISABLED_REASONS: Record<string, StatusWords> = {
  manual: { label: 'Disabled', tone: 'neutral', text: 'Switched off by hand. Events are not queued for it.' },
  failing: {
    label: 'Disabled · failing',
    tone: 'danger',
    text: 'Switched off because deliveries kept failing. Fix the receiver, send a test, then enable it.',
  },
  gone: {
    label: 'Disabled · gone',
    tone: 'danger',
    text: 'The receiver answered 410 Gone, which asks us to stop. Enable it if that was a mistake.',
  },
};

/** An active one that fails: its status says nothing of it, so it has a label of its own. */
export const FAILING_WORDS: StatusWords = {
  label: 'Active · failing',
  tone: 'warning',
  text: 'No attempt has succeeded since. See what its receiver answers.',
};

/** Why somebody should look at a subscription, and what to do about it. */
export function attentionWords({ reason, detail }: Pick<Attention, 'reason' | 'detail'>): StatusWords {
  switch (reason) {
    case 'disabled':
      return DISABLED_REASONS[detail ?? ''] ?? SUBSCRIPTION_WORDS.disabled;
    case 'failing':
      return FAILING_WORDS;
    case 'unverified': {
      const { text, ...words } = SUBSCRIPTION_WORDS.unverified;
      const advice = detail === null ? undefined : explainVerification(detail)?.advice;
      return { ...words, text: advice === undefined ? text : `${text} ${advice}` };
    }
    case 'overdue':
      return {
        label: 'Overdue',
        tone: 'danger',
        text: 'Deliveries of it are due that no worker has taken. See whether workers are alive.',
      };
    default:
      return reason satisfies never;
  }
}

export const DELIVERY_WORDS: Record<DeliveryStatus, StatusWords> = {
  pending: { label: 'Pending', tone: 'progress', text: 'Its next try is scheduled; each wait is longer.' },
  held: { label: 'Held', tone: 'neutral', text: 'Its webhook is paused. It goes out on resume.' },
  succeeded: { label: 'Succeeded', tone: 'success', text: 'The receiver has taken it.' },
  failed: { label: 'Failed', tone: 'danger', text: 'All tries failed. Retry makes one more.' },
  canceled: { label: 'Canceled', tone: 'neutral', text: 'It is not sent any more.' },
};

/** What a delivery waits for. {time}: when that ends, as far as it is known. */
export const WAITING_WORDS: Record<WaitingState, string> = {
  scheduled: 'Next attempt {time}',
  leased: 'Queued: a worker is about to send it',
  ready: 'About to be queued',
  overdue: 'Overdue: no worker has taken it',
  deferred_slots: 'Waiting for other attempts of this webhook to end',
  deferred_rate_limit: 'Waiting for its turn under the rate limit, {time}',
  deferred_order: 'Waiting for the delivery before it (strict order)',
  deferred_circuit_open: 'Waiting: the endpoint keeps failing; next attempt {time}',
  held: 'Waiting for its webhook to be resumed',
};

export const TRIGGER_WORDS: Record<AttemptTrigger, string> = {
  auto: 'By schedule',
  manual: 'By hand',
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

interface Explanation {
  title: string;
  /** The likely cause. */
  cause: string;
  /** What to do about it. */
  advice: string;
}

/** Every way in which an attempt can end. */
export const OUTCOME_WORDS: Record<AttemptOutcome, Explanation> = {
  ok: {
    title: 'Taken: the receiver answered {status}',
    cause: 'Any 2xx counts, whatever the body says.',
    advice:
      'Nothing. If the event had no effect, look for its webhook-id in your own log. Answer 2xx only once the event is safe with you.',
  },
  http_error: {
    title: 'The receiver answered {status}',
    cause:
      '404 or 405: a wrong path, or no POST route. 401 or 403: a login, a CSRF check or a bot shield in front. 413: a body limit. 429: a rate limit. 5xx: the handler failed.',
    advice:
      'Read the answer below, mend the receiver, then retry. A Retry-After of 429 and 503 is waited for. 410 switches the webhook off.',
  },
  redirect: {
    title: 'The receiver redirects to {location}',
    cause: 'From http to https, a slash too few, www, or a login page.',
    advice: 'Put the final URL in. Redirects are never followed: a signed body goes only where you asked for it.',
  },
  timeout: {
    title: 'No full answer within {limit} s',
    cause:
      'If it was connected: the handler works before it answers, or never answers. If not: a firewall drops us without a word.',
    advice:
      'Answer 2xx first, work afterwards, and see that every branch of the handler answers. If it was not connected, let our address in. The event may have been processed: tell repeats by the webhook-id.',
  },
  dns_error: {
    title: '{host} could not be found',
    cause: 'A misspelled name, an expired domain, an internal name, or a name server that is down.',
    advice: 'Resolve the name from outside your network and correct the URL. We try again by schedule.',
  },
  connect_error: {
    title: 'No connection to {host}',
    cause: 'Nothing listens there, the port is wrong, a firewall refuses, or the connection was cut on the way.',
    advice:
      'Check that the service runs and can be reached from outside. If it was cut after sending, the event may have been processed.',
  },
  tls_error: {
    title: 'No secure connection to {host}',
    cause:
      'The certificate has expired, is self-signed or is for another name; an intermediate one is missing; or the TLS version is too old.',
    advice: 'Renew it, or serve the whole chain. A TLS checker outside your network shows what is wrong.',
  },
  blocked: {
    title: 'This address may not be called',
    cause:
      'The name leads to a private, loopback, link-local or metadata address, or it is plain http where https is required. Nothing was sent.',
    advice:
      'Use a public https address. For receivers inside your own network, the operator adds them to ALLOW_PRIVATE_NETWORKS.',
  },
  bad_response: {
    title: 'The answer was not HTTP, or its headers were too large',
    cause: 'The port of another protocol, a broken proxy, or a huge cookie.',
    advice: 'Call the URL with curl -i from outside and look at the first lines.',
  },
  aborted: {
    title: 'We ended this try ourselves',
    cause: 'A restart on our side. It never counts against the receiver.',
    advice: 'Nothing: it is tried again. It may have arrived already, with the same webhook-id.',
  },
};

/** Why a verification failed, where no outcome of an attempt says it: the URL answered, but not as it should. */
const VERIFICATION_WORDS: Record<'status' | 'mismatch' | 'empty' | 'too_large' | 'superseded', Explanation> = {
  status: {
    title: 'It answered {status}, not 2xx',
    cause: 'The handler does not know the event webhook:verify, or something in front of it refused the request.',
    advice: 'Answer 200 and send the payload back as the body.',
  },
  mismatch: {
    title: 'Another text came back',
    cause: 'Usually a handler that answers every event alike, such as {"ok":true}.',
    advice: 'For the event webhook:verify, answer with the payload itself, and nothing else.',
  },
  empty: {
    title: 'The answer had no body',
    cause: 'The handler acknowledges the event, but does not send the payload back.',
    advice: 'For the event webhook:verify, send the payload back as the body.',
  },
  too_large: {
    title: 'The answer was too large',
    cause: 'A page came back instead of the payload: an error page, or the front page of a site.',
    advice: 'Check the path. For the event webhook:verify, answer with the payload itself.',
  },
  superseded: {
    title: 'Another verification took its place',
    cause: 'The URL was changed, or verified again, before this one was through.',
    advice: 'Nothing: the newer one counts.',
  },
};

/** The words for the reason of a failed verification: its own, or the outcome's. */
export function explainVerification(reason: string): Explanation | null {
  if (Object.hasOwn(VERIFICATION_WORDS, reason)) return VERIFICATION_WORDS[reason as keyof typeof VERIFICATION_WORDS];
  return Object.hasOwn(OUTCOME_WORDS, reason) ? OUTCOME_WORDS[reason as AttemptOutcome] : null;
}

/** What to say about a failed verification. Where no response came, the attempt knows the cause; where it was the wrong one, the words
 *  for the reason do. */
export function verificationWords({ reason, error }: Pick<Verification, 'reason' | 'error'>): {
  title: string;
  sentences: string[];
} {
  const words = explainVerification(reason ?? '');
  const isResponse = reason !== null && Object.hasOwn(VERIFICATION_WORDS, reason);
  return {
    title: words?.title ?? 'The verification failed',
    sentences: error !== null && !isResponse ? [error] : words ? [words.cause, words.advice] : [],
  };
}

/** Puts values in the place of {name}, and `fallback` where there is none. */
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
