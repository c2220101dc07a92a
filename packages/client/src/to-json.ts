/** Returns the value as JSON in which every string and key is well-formed: half of a surrogate pair, which strict JSON parsers of
 *  endpoints reject, becomes U+FFFD. */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value);
  // JSON.stringify escapes halves of pairs, and nothing else in this range. Every escape is matched, so that the text after an
  // escaped backslash is not mistaken for one.
  return json.includes('\\ud')
    ? json.replace(/\\(?:ud[89a-f][\da-f]{2}|.)/g, (escape) => (escape.length === 6 ? '�' : escape))
    : json;
}
