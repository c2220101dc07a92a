import type { AnyEvents, EventMap } from '../types.js';
import {
  type RawBody,
  readChallenge,
  type RequestHeaders,
  type Secret,
  verify,
  type WebhookEvent,
  type WebhookEventOf,
  WebhookVerificationError,
} from './verify.js';

/** Declared as a method, so that a handler of one type fits a map whose types are any strings. */
type Handler<Event> = { handle(event: Event): unknown }['handle'];

export interface WebhookOptions<Events extends EventMap<Events> = AnyEvents> {
  /** The signing secret of the webhook, or a function that reads it. undefined: not known yet, as before the first handshake. The endpoint
   *  then responds to handshakes, and to events with a 500, so that Posthorn sends them again later. */
  secret: Secret | undefined | (() => Secret | undefined | Promise<Secret | undefined>);
  /** A handler for each event type. Posthorn repeats the delivery if it throws. */
  on: { [Type in keyof Events & string]?: Handler<WebhookEventOf<Type, Events[Type]>> };
  /** Handles events of other types. Default: they are accepted and ignored. */
  otherwise?: ((event: WebhookEvent<Events>) => unknown) | undefined;
  /** Gets the reason when a request is refused with 401, for a log. */
  onRefused?: ((error: WebhookVerificationError) => void) | undefined;
  /** `signed`: respond only to handshakes that are signed with the secret. Set it when your webhook is verified, so that nobody else can
   *  register its URL. Default: `any`. */
  handshake?: 'any' | 'signed' | undefined;
}

export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Handles one request to an endpoint. Throws what a handler throws; respond with a 5xx then.
 *
 *  a handshake                     200 with its text
 *  an event, no secret yet         500
 *  not authentic, or not recent    401 with the reason
 *  an event                        204 after its handler is done */
export async function respond<Events extends EventMap<Events>>(
  body: RawBody,
  headers: RequestHeaders,
  { secret: given, on, otherwise, onRefused, handshake = 'any' }: WebhookOptions<Events>,
): Promise<Reply> {
  const challenge = readChallenge(body);
  if (challenge !== null && handshake === 'any') return replyOf(200, challenge);
  const secret = typeof given === 'function' ? await given() : given;
  if (secret === undefined || secret.length === 0) return replyOf(500, 'This endpoint has no signing secret yet.');
  let event: WebhookEvent<Events>;
  try {
    event = verify<Events>(body, headers, secret);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    onRefused?.(error);
    return replyOf(401, error.message);
  }
  if (challenge !== null) return replyOf(200, challenge);
  const handle = Object.hasOwn(on, event.event) ? on[event.event] : otherwise;
  await handle?.(event);
  return replyOf(204, '');
}

/** As plain text, so that a browser never shows it as a page. */
export const replyOf = (status: number, body: string): Reply => ({
  status,
  headers: {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  },
  body,
});

/** Larger than the largest event. */
export const MAX_BODY_BYTES = 1024 * 1024;

export const TOO_LARGE = replyOf(413, 'The body is too large.');
