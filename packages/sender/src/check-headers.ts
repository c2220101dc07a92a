export const MAX_OWN_HEADERS = 20;
export const MAX_HEADER_NAME_CHARACTERS = 128;
export const MAX_HEADER_VALUE_CHARACTERS = 4096;

/** `name` is the invalid header; `reason` says how to fix it. */
export type HeadersCheck = { ok: true } | { ok: false; name: string; reason: string };

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const PRINTABLE_LATIN1 = /^[\x20-\x7e\xa0-\xff]*$/;
// Headers that Posthorn sets, that belong to the connection (hop by hop), or that would change the framing of the
// request.
const RESERVED = new Set(
  `host user-agent accept-encoding connection keep-alive transfer-encoding te trailer upgrade expect http2-settings`.split(
    ' ',
  ),
);
const RESERVED_PREFIX = /^(content-|webhook-|proxy-)/;

/** Returns true for headers that a subscription may not set: Posthorn's own, and those of the connection. */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return RESERVED.has(lower) || RESERVED_PREFIX.test(lower);
}

/** Validates the custom headers of a subscription, such as `authorization`. Never throws; reports the first problem. */
export function checkHeaders(headers: Record<string, string>): HeadersCheck {
  const names = Object.keys(headers);
  const tooMany = names[MAX_OWN_HEADERS];
  if (tooMany !== undefined) return refuse(tooMany, `At most ${MAX_OWN_HEADERS} headers can be set.`);
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    const reason = reasonAgainst(name, value);
    if (reason !== null) return refuse(name, reason);
    if (seen.has(name.toLowerCase())) return refuse(name, 'Duplicate header: header names are case-insensitive.');
    seen.add(name.toLowerCase());
  }
  return { ok: true };
}

function reasonAgainst(name: string, value: string): string | null {
  if (!TOKEN.test(name))
    return 'A header name may contain letters, digits and -, but no spaces, colons or line breaks.';
  if (name.length > MAX_HEADER_NAME_CHARACTERS) {
    return `A header name must have at most ${MAX_HEADER_NAME_CHARACTERS} characters.`;
  }
  if (isReservedHeader(name)) return 'Posthorn sets this header itself; it cannot be changed.';
  if (value.length > MAX_HEADER_VALUE_CHARACTERS) {
    return `A header value must have at most ${MAX_HEADER_VALUE_CHARACTERS} characters.`;
  }
  if (!PRINTABLE_LATIN1.test(value)) {
    return 'A header value may contain printable Latin characters, but no line breaks or control characters.';
  }
  return null;
}

function refuse(name: string, reason: string): HeadersCheck {
  return { ok: false, name, reason };
}
