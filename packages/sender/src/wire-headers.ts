import { isReservedHeader } from './check-headers.js';

const MASK = '••••';

export type WireHeaders = {
  /** Names and values in turn, as undici takes them; it adds host, connection and content-length. */
  sent: string[];
  /** What the record of the attempt may show. */
  shown: Record<string, string>;
};

/** Puts the request's headers together. Own ones that would override ours are left out, except for `accept`: firewalls block
 *  requests without one, and which one to send is the endpoint's affair. */
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
  const accepts = Object.keys(own).some((name) => name.toLowerCase() === 'accept') ? [] : ['accept', '*/*'];
  const sent = [
    'content-type',
    'application/json',
    ...accepts,
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
    ['accept', '*/*'],
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
