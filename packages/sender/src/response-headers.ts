const MASK = '••••';
const MASKED = new Set(['set-cookie', 'set-cookie2', 'cookie', 'authorization', 'proxy-authorization']);

/** Values by lower-case name, in the order received. */
export type ResponseHeaders = ReadonlyMap<string, readonly string[]>;

/** As undici returns them: each character is one byte. */
export type RawHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Reads a response's headers. Removes white space around values (RFC 9110 §5.5). A value is decoded as UTF-8 if
 *  possible, otherwise as latin1. */
export function readResponseHeaders(raw: RawHeaders): ResponseHeaders {
  return new Map(Object.entries(raw).map(([name, value]) => [name, [value ?? ''].flat().map(readValue)]));
}

/** Returns the value of a single-valued header. Equal copies, which proxies add, count as one. Returns null if it is
 *  absent or has different values. */
export function singleValue(headers: ResponseHeaders, name: string): string | null {
  const [value, ...others] = new Set(headers.get(name));
  return value === undefined || others.length > 0 ? null : value;
}

/** Returns the headers for display: lists joined, cookies and credentials masked. */
export function shownResponseHeaders(headers: ResponseHeaders): Record<string, string> {
  return Object.fromEntries(
    Array.from(headers, ([name, values]) => [name, isMaskedHeader(name) ? MASK : values.join(', ')]),
  );
}

/** Returns true for headers whose values are never shown. */
export const isMaskedHeader = (name: string): boolean => MASKED.has(name.toLowerCase());

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readValue(bytes: string): string {
  const value = trimWhiteSpace(bytes);
  if (!/[\x80-\xff]/.test(value)) return value;
  try {
    return utf8.decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

// Not trim(), which removes more, nor a regular expression, which takes quadratic time for a value of spaces.
function trimWhiteSpace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isWhiteSpace(value[start])) start++;
  while (end > start && isWhiteSpace(value[end - 1])) end--;
  return value.slice(start, end);
}

function isWhiteSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}
