import { MASK } from '@posthorn/contract';
import type { Deps } from '../deps.js';
import type { Subscription as Row } from '../generated/prisma/client.js';

// Custom headers of a subscription contain credentials. Their values belong to the origin (scheme, host, port) that
// they were entered for and are never sent elsewhere. CHECK constraints of `subscriptions` enforce this.

/** Maximum size of names and values together: unverified URLs receive them, too, with each handshake. */
export const MAX_OWN_HEADERS_BYTES = 8 * 1024;

/** Returns whether headers exceed MAX_OWN_HEADERS_BYTES. Each of their characters is one byte. */
export function areTooLarge(headers: Record<string, string>): boolean {
  const bytes = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return bytes > MAX_OWN_HEADERS_BYTES;
}

type Sealer = Pick<Deps, 'cipher'>;

type Stored = Pick<
  Row,
  'id' | 'url' | 'pendingUrl' | 'headersSealed' | 'headersOrigin' | 'pendingHeadersSealed' | 'pendingHeadersOrigin'
>;

/** Returns the origin of a URL from checkUrl, in the spelling of `posthorn_url_origin`. */
export const originOf = (url: string): string => new URL(url).origin;

/** Encrypts headers for storage; null: no headers. */
export function sealHeaders(
  { cipher }: Sealer,
  subscriptionId: string,
  headers: Record<string, string> | undefined,
): Buffer | null {
  return headers && Object.keys(headers).length > 0
    ? cipher.seal(JSON.stringify(headers), `headers:${subscriptionId}`)
    : null;
}

/** The reverse of sealHeaders. */
export function openHeaders(
  { cipher }: Sealer,
  subscriptionId: string,
  sealed: Uint8Array | null,
): Record<string, string> {
  return sealed ? (JSON.parse(cipher.open(sealed, `headers:${subscriptionId}`)) as Record<string, string>) : {};
}

/** Returns the stored, encrypted headers that may be sent to this origin; null: none. */
export function sealedFor(stored: Omit<Stored, 'id' | 'url' | 'pendingUrl'>, origin: string): Uint8Array | null {
  if (stored.headersOrigin === origin) return stored.headersSealed;
  if (stored.pendingHeadersOrigin === origin) return stored.pendingHeadersSealed;
  return null;
}

/** Returns the headers of the current and the pending URL for display: names with masked values. */
export function readHeaderNames(
  deps: Sealer,
  stored: Stored,
): { headers: Record<string, string>; pendingHeaders: Record<string, string> | null } {
  const masked = (url: string) => {
    const headers = openHeaders(deps, stored.id, sealedFor(stored, originOf(url)));
    return Object.fromEntries(Object.keys(headers).map((name) => [name, MASK]));
  };
  return { headers: masked(stored.url), pendingHeaders: stored.pendingUrl === null ? null : masked(stored.pendingUrl) };
}

/** Returns the headers to store. A masked value keeps the stored value of that name, in any letter case. */
export function keepMasked(
  headers: Record<string, string>,
  stored: Record<string, string>,
): { headers: Record<string, string> } | { missing: string } {
  const valueOf = new Map(Object.entries(stored).map(([name, value]) => [name.toLowerCase(), value]));
  const missing = Object.entries(headers).find(([name, value]) => value === MASK && !valueOf.has(name.toLowerCase()));
  if (missing) return { missing: missing[0] };
  const kept = Object.entries(headers).map(([name, value]): [string, string] =>
    value === MASK ? [name, valueOf.get(name.toLowerCase()) ?? ''] : [name, value],
  );
  return { headers: Object.fromEntries(kept) };
}
