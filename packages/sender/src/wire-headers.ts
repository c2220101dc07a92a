import { isReservedHeader } from './check-headers.js';
import type { AnswerHeaders } from './exchange.js';

const MASK = '••••';
const MASKED_IN_ANSWERS = new Set(['set-cookie', 'set-cookie2', 'cookie', 'authorization', 'proxy-authorization']);

export type WireHeaders = {
  /** Names and values in turn, as undici takes them; it adds host, connection and content-length. */
  sent: string[];
  /** What the record of the attempt may show. */
  shown: Record<string, string>;
};

/** Puts the request's headers together. Own ones that would override ours are left out. */
export function wireHeaders({
  userAgent,
  host,
  webhookId,
  timestampSeconds,
  signature,
  contentLength,
  own,
}: {
  userAgent: string;
  host: string;
  webhookId: string;
  timestampSeconds: number;
  signature: string;
  contentLength: number;
  own: Record<string, string>;
}): WireHeaders {
  const timestamp = String(timestampSeconds);
  const sent = [
    'content-type',
    'application/json',
    'user-agent',
    userAgent,
    'accept-encoding',
    'identity',
    'webhook-id',
    webhookId,
    'webhook-timestamp',
    timestamp,
    'webhook-signature',
    signature,
  ];
  const shown: [name: string, value: string][] = [
    ['host', host],
    ['content-type', 'application/json'],
    ['content-length', String(contentLength)],
    ['user-agent', userAgent],
    ['accept-encoding', 'identity'],
    ['webhook-id', webhookId],
    ['webhook-timestamp', timestamp],
    ['webhook-signature', signature.replace(/v1,\S+/g, `v1,${MASK}`)],
  ];
  for (const [name, value] of Object.entries(own)) {
    if (isReservedHeader(name)) continue;
    sent.push(name, value);
    shown.push([name.toLowerCase(), MASK]);
  }
  return { sent, shown: Object.fromEntries(shown) };
}

/** An answer's headers as the record may show them. */
export function shownAnswerHeaders(headers: AnswerHeaders): Record<string, string> {
  const shown = Object.entries(headers).map(([name, value]): [string, string] => {
    if (MASKED_IN_ANSWERS.has(name)) return [name, MASK];
    return [name, Array.isArray(value) ? value.join(', ') : (value ?? '')];
  });
  return Object.fromEntries(shown);
}
