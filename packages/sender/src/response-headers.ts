const MASK = '••••';
const MASKED = new Set(['set-cookie', 'set-cookie2', 'cookie', 'authorization', 'proxy-authorization']);

/** Values by lower-case name, in the order in which they came. */
export type ResponseHeaders = ReadonlyMap<string, readonly string[]>;

/** As undici hands them over: each character is one byte. */
export type RawHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Reads a response's headers. White space around a value is not part of it (RFC 9110 §5.5). A value is UTF-8 if it can be,
 *  else latin1. */
export function readResponseHeaders(raw: RawHeaders): ResponseHeaders {
  return new Map(Object.entries(raw).map(([name, value]) => [name, [value ?? ''].flat().map(readValue)]));
}

/** The value of a header that may come once. Copies with the same value count as one, as proxies add them. Returns null if it is
 *  absent or says two things. */
export function singleValue(headers: ResponseHeaders, name: string): string | null {
  const [value, ...others] = new Set(headers.get(name));
  return value === undefined || others.length > 0 ? null : value;
}

/** The headers as the record may show them: lists joined, cookies and credentials masked. */
export function shownResponseHeaders(headers: ResponseHeaders): Record<string, string> {
  return Object.fromEntries(
    Array.from(headers, ([name, values]) => [name, isMaskedHeader(name) ? MASK : values.join(', ')]),
  );
}

/** True for a header whose value the record never shows. */
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

// Neither trim(), which removes more, nor a regular expression, which takes quadratic time on a value of spaces.
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
