export const MAX_OWN_HEADERS = 20;
export const MAX_HEADER_NAME_CHARACTERS = 128;
export const MAX_HEADER_VALUE_CHARACTERS = 4096;

/** `name` is the header at fault; `reason` a sentence that names the fix. */
export type HeadersCheck = { ok: true } | { ok: false; name: string; reason: string };

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const PRINTABLE_LATIN1 = /^[\x20-\x7e\xa0-\xff]*$/;
// What Posthorn sets itself, what belongs to the connection (hop by hop), and what would change how the request is framed.
const RESERVED = new Set(
  `host user-agent accept-encoding connection keep-alive transfer-encoding te trailer upgrade expect http2-settings`.split(
    ' ',
  ),
);
const RESERVED_PREFIX = /^(content-|webhook-|proxy-)/;

/** True for a header that a subscription may not set: Posthorn's own, and those of the connection. */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return RESERVED.has(lower) || RESERVED_PREFIX.test(lower);
}

/** Judges the headers a subscription wants sent along (`authorization` and the like). Never throws; reports the first fault. */
export function checkHeaders(headers: Record<string, string>): HeadersCheck {
  const names = Object.keys(headers);
  const tooMany = names[MAX_OWN_HEADERS];
  if (tooMany !== undefined) return refuse(tooMany, `At most ${MAX_OWN_HEADERS} headers can be set.`);
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    const reason = reasonAgainst(name, value);
    if (reason !== null) return refuse(name, reason);
    if (seen.has(name.toLowerCase())) return refuse(name, 'The header is given twice; names do not differ by case.');
    seen.add(name.toLowerCase());
  }
  return { ok: true };
}

function reasonAgainst(name: string, value: string): string | null {
  if (!TOKEN.test(name))
    return 'A header name consists of letters, digits and -; it has no spaces, colons or line breaks.';
  if (name.length > MAX_HEADER_NAME_CHARACTERS) {
    return `A header name must have at most ${MAX_HEADER_NAME_CHARACTERS} characters.`;
  }
  if (isReservedHeader(name)) return 'This header is set by the sender itself and cannot be changed.';
  if (value.length > MAX_HEADER_VALUE_CHARACTERS) {
    return `A header value must have at most ${MAX_HEADER_VALUE_CHARACTERS} characters.`;
  }
  if (!PRINTABLE_LATIN1.test(value)) {
    return 'A header value consists of printable Latin characters; it has no line breaks or control characters.';
  }
  return null;
}

function refuse(name: string, reason: string): HeadersCheck {
  return { ok: false, name, reason };
}
