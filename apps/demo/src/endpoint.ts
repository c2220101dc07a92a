import type { IncomingHttpHeaders } from 'node:http';
import { verify, WebhookVerificationError } from '@posthorn/client';

/** The endpoint's response to events, chosen on the page. It always passes the verification. */
export const RESPONSE_MODES = ['normal', 'fail', 'slow3', 'slow20', 'gone'] as const;
export type ResponseMode = (typeof RESPONSE_MODES)[number];

export type EndpointResponse = { status: number; contentType: string; body: string; delayMs: number };

export type Signature = { valid: true } | { valid: false; reason: string };

/** Returns whether one of the secrets signed exactly these bytes in the last five minutes. It checks the raw bytes, because parsing and
 *  serializing can change them. */
export function checkSignature(secrets: string[], headers: IncomingHttpHeaders, rawBody: Buffer): Signature {
  if (secrets.length === 0) return { valid: false, reason: 'No subscription has this URL.' };
  try {
    verify(rawBody, headers, secrets);
    return { valid: true };
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    return { valid: false, reason: error.message };
  }
}

/** The response to a request:
 *  no valid signature   401
 *  webhook:verify       200 with the payload as the body, which passes the verification
 *  any other event      according to the mode */
export function decideResponse(options: {
  signature: Signature;
  rawBody: Buffer;
  mode: ResponseMode;
}): EndpointResponse {
  const { signature, rawBody, mode } = options;
  if (!signature.valid) return json(401, { error: `signature not valid: ${signature.reason}` });
  const { event, payload } = readEvent(rawBody);
  if (event === 'webhook:verify') return { status: 200, contentType: 'text/plain', body: String(payload), delayMs: 0 };
  switch (mode) {
    case 'normal':
      return json(200, { ok: true });
    case 'slow3':
      return json(200, { ok: true }, 3000);
    case 'slow20':
      return json(200, { ok: true }, 20_000);
    case 'fail':
      return json(500, { error: 'this endpoint is set to fail' });
    case 'gone':
      return json(410, { error: 'this endpoint is set to return 410' });
    default:
      return mode satisfies never;
  }
}

/** Returns the event's type and payload, or null for both if the body is not an event. */
export function readEvent(rawBody: Buffer): { event: string | null; payload: unknown } {
  try {
    const body: unknown = JSON.parse(rawBody.toString('utf8'));
    if (typeof body !== 'object' || body === null || !('event' in body)) return { event: null, payload: null };
    const { event } = body;
    return { event: typeof event === 'string' ? event : null, payload: 'payload' in body ? body.payload : null };
  } catch {
    return { event: null, payload: null };
  }
}

const json = (status: number, body: object, delayMs = 0): EndpointResponse => ({
  status,
  contentType: 'application/json',
  body: JSON.stringify(body),
  delayMs,
});
