import { isReservedHeader } from './check-headers.js';
import type { SentRequest } from './post-result.js';

const MASK = '••••';

export type WireHeaders = {
  /** Names and values in turn, as undici takes them; it adds host, connection and content-length. */
  sent: string[];
  /** What shownRequestHeaders needs to show them later. */
  record: SentRequest;
};

/** Puts the request's headers together. Own ones that would override ours are left out, except for `accept`: firewalls block
 *  requests without one, and which one to send is the endpoint's affair. */
export function wireHeaders({
  userAgent,
  webhookId,
  timestampSeconds,
  signature,
  bodyBytes,
  own,
}: {
  userAgent: string;
  webhookId: string;
  timestampSeconds: number;
  /** As signWithAll makes it. */
  signature: string;
  bodyBytes: number;
  own: Record<string, string>;
}): WireHeaders {
  const custom = Object.entries(own).filter(([name]) => !isReservedHeader(name));
  const ownNames = custom.map(([name]) => name.toLowerCase());
  const ours = ourHeaders({ userAgent, webhookId, timestampSeconds, signature });
  return {
    sent: [...ours.filter(([name]) => !ownNames.includes(name)), ...custom].flat(),
    record: { userAgent, bodyBytes, signatureCount: signature.split(' ').length, ownNames },
  };
}

/** The headers of a request as they may be shown, by what is recorded of it: as sent, with lower-case names. The signatures and the
 *  values of the subscription's own headers are masked. `url` is where it was sent, as checkUrl writes it. */
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

/** The `webhook-timestamp` of a request that began then. */
export const toTimestamp = (startedAt: Date): number => Math.floor(startedAt.getTime() / 1_000);

/** Those that every request has, and that nobody else sets. */
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
