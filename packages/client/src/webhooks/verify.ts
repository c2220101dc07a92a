import { PosthornError } from '../errors.js';
import type { AnyEvents, EventMap } from '../types.js';
import { isSigned, keyOf } from './signature.js';

/** Why a request is not authentic.
 *
 *  missing_headers   it has no `webhook-id`, `webhook-timestamp` or `webhook-signature`
 *  bad_timestamp     the timestamp is not a number
 *  too_old, too_new  the timestamp is more than five minutes off: a repeated request, or one of the clocks is wrong
 *  bad_signature     no signature matches: another secret, or the body is not the raw body
 *  bad_body          the body is signed, but is not an event of Posthorn */
export type VerificationCode =
  | 'missing_headers'
  | 'bad_timestamp'
  | 'too_old'
  | 'too_new'
  | 'bad_signature'
  | 'bad_body';

/** The request is not from Posthorn, or not recent. Respond with 401 and do nothing else. */
export class WebhookVerificationError extends PosthornError {
  override name = 'WebhookVerificationError';
  readonly code: VerificationCode;

  constructor(code: VerificationCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** An event of one type that an endpoint received. */
export interface WebhookEventOf<Type extends string, Payload> {
  /** The id of the event, the same on every attempt. An event may arrive twice: ignore an id that you have processed. */
  id: string;
  /** When this attempt was sent. */
  sentAt: Date;
  event: Type;
  payload: Payload;
}

/** An event that an endpoint received. `event` determines the type of `payload`. */
export type WebhookEvent<Events extends EventMap<Events> = AnyEvents> = {
  [Type in keyof Events & string]: WebhookEventOf<Type, Events[Type]>;
}[keyof Events & string];

/** The body exactly as it was received. */
export type RawBody = string | Uint8Array | ArrayBuffer;
export type RequestHeaders = Headers | Record<string, string | string[] | undefined>;
/** `whsec_…`, or several while you change it. */
export type Secret = string | readonly string[];

/** Checks that a request is from Posthorn and recent, and returns its event. `body` must be the raw body, since the signature covers its
 *  bytes. Throws WebhookVerificationError otherwise, and TypeError for an unusable secret. */
export function verify<Events extends EventMap<Events> = AnyEvents>(
  body: RawBody,
  headers: RequestHeaders,
  secret: Secret,
): WebhookEvent<Events> {
  const keys = (typeof secret === 'string' ? [secret] : secret).map(keyOf);
  if (keys.length === 0) throw new TypeError('secret is required: see the settings of the webhook');
  const id = headerOf(headers, 'webhook-id');
  const timestamp = headerOf(headers, 'webhook-timestamp');
  const signatures = headerOf(headers, 'webhook-signature');
  if (!id || !timestamp || !signatures)
    throw refusal('missing_headers', 'webhook-id, webhook-timestamp or webhook-signature is missing.');
  const sentAt = readTimestamp(timestamp);
  const text = toText(body);
  const content = `${id}.${timestamp}.${text}`;
  if (!keys.some((key) => isSigned(content, signatures, key)))
    throw refusal(
      'bad_signature',
      'No signature matches. Is this the secret of this webhook, and the body the raw body?',
    );
  return { ...readEvent(text), id, sentAt } as WebhookEvent<Events>;
}

/** Returns the text with which an endpoint responds to a handshake, to prove that it subscribes to events. null: another request. */
export function readChallenge(body: RawBody): string | null {
  return HANDSHAKE.exec(toText(body))?.[1] ?? null;
}

// Only such texts, so that a handshake cannot make an endpoint send anything else.
const HANDSHAKE = /^\s*\{\s*"event"\s*:\s*"webhook:verify"\s*,\s*"payload"\s*:\s*"([A-Z2-7]{16,128})"\s*\}\s*$/;

const toText = (body: RawBody): string =>
  typeof body === 'string' ? body : new TextDecoder('utf-8', { ignoreBOM: true }).decode(body);

const refusal = (code: VerificationCode, message: string) => new WebhookVerificationError(code, message);

/** Throws unless it is recent: anybody who recorded a request could send it again. */
function readTimestamp(text: string): Date {
  if (!/^\d+$/.test(text)) throw refusal('bad_timestamp', 'webhook-timestamp is not a number.');
  const seconds = Number(text);
  const age = Date.now() / 1000 - seconds;
  if (age > TOLERANCE_SECONDS)
    throw refusal('too_old', 'webhook-timestamp is more than five minutes ago. Is the clock right?');
  if (age < -TOLERANCE_SECONDS)
    throw refusal('too_new', 'webhook-timestamp is more than five minutes ahead. Is the clock right?');
  return new Date(seconds * 1000);
}

const TOLERANCE_SECONDS = 5 * 60;

function readEvent(text: string): { event: string; payload: unknown } {
  try {
    const { event, payload }: { event?: unknown; payload?: unknown } = JSON.parse(text);
    if (typeof event === 'string') return { event, payload };
  } catch {
    // reported below
  }
  throw refusal('bad_body', 'The body is not an event, {"event": …, "payload": …}.');
}

/** Returns '' if it is absent. */
function headerOf(headers: RequestHeaders, name: string): string {
  if (isHeaders(headers)) return headers.get(name) ?? '';
  const key = Object.keys(headers).find((candidate) => candidate.toLowerCase() === name);
  const value = key === undefined ? undefined : headers[key];
  return (Array.isArray(value) ? value.join(' ') : value) ?? '';
}

/** Also for the class of another realm or library. */
const isHeaders = (headers: RequestHeaders): headers is Headers => typeof headers.get === 'function';
