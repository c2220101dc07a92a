import { isReservedHeader } from './check-headers.js';
import type { SentRequest } from './post-result.js';

const MASK = '••••';

export type WireHeaders = {
  /** Alternating names and values, as undici expects. undici adds host, connection and content-length. */
  sent: string[];
  /** What shownRequestHeaders needs to show them later. */
  record: SentRequest;
};

/** Builds the request's headers. Ignores custom headers that would override ours, except `accept` and
 *  `traceparent`: firewalls block requests without `accept`, and the endpoint may need a specific value. */
export function wireHeaders({
  userAgent,
  webhookId,
  timestampSeconds,
  signature,
  bodyBytes,
  own,
  traceparent,
}: {
  userAgent: string;
  webhookId: string;
  timestampSeconds: number;
  /** As returned by signWithAll. */
  signature: string;
  bodyBytes: number;
  own: Record<string, string>;
  traceparent?: string | undefined;
}): WireHeaders {
  const custom = Object.entries(own).filter(([name]) => !isReservedHeader(name));
  const ownNames = custom.map(([name]) => name.toLowerCase());
  const ours: Header[] = ourHeaders({ userAgent, webhookId, timestampSeconds, signature });
  if (traceparent !== undefined) ours.push(['traceparent', traceparent]);
  return {
    sent: [...ours.filter(([name]) => !ownNames.includes(name)), ...custom].flat(),
    record: { userAgent, bodyBytes, signatureCount: signature.split(' ').length, ownNames },
  };
}

/** Returns the headers of a recorded request for display: as sent, with lower-case names. Signatures and the values
 *  of custom headers are masked. `url` is the URL in the form of checkUrl. */
export function shownRequestHeaders(
  { userAgent, bodyBytes, signatureCount, ownNames }: SentRequest,
  { url, webhookId, startedAt }: { url: string; webhookId: string; startedAt: Date },
): Record<string, string> {
  const signature = Array.from({ length: signatureCount }, () => `v1,${MASK}`).join(' ');
  const timestampSeconds = toTimestamp(startedAt);
  const [contentType, ...others] = ourHeaders({ userAgent, webhookId, timestampSeconds, signature });
  return Object.fromEntries([
    ['host', new URL(url).host],
    contentType,
    ['content-length', String(bodyBytes)],
    ...others,
    ...ownNames.map((name) => [name, MASK] as const),
  ]);
}

/** Returns the `webhook-timestamp` of a request that started then. */
export const toTimestamp = (startedAt: Date): number => Math.floor(startedAt.getTime() / 1_000);

/** Headers of every request, which only Posthorn sets. */
const ourHeaders = ({
  userAgent,
  webhookId,
  timestampSeconds,
  signature,
}: {
  userAgent: string;
  webhookId: string;
  timestampSeconds: number;
  signature: string;
}): [Header, ...Header[]] => [
  ['content-type', 'application/json'],
  ['accept', '*/*'],
  ['user-agent', userAgent],
  ['accept-encoding', 'identity'],
  ['webhook-id', webhookId],
  ['webhook-timestamp', String(timestampSeconds)],
  ['webhook-signature', signature],
];
type Header = readonly [name: string, value: string];
