// JSON that is shown as it was sent: a number that JavaScript would spell otherwise (1.50, 20 digits) keeps its spelling, where
// the browser can ("JSON.parse source text access", ECMAScript proposal, stage 4).
const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };

/** Throws a SyntaxError where it is no JSON. */
export function parseJson(text: string): unknown {
  if (!rawJSON) return JSON.parse(text);
  const keep = (_: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
      ? rawJSON(context.source)
      : value;
  return JSON.parse(text, keep);
}

/** JSON with indents, if it is JSON; else the text as it is. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(parseJson(text), null, 2);
  } catch {
    return text;
  }
}

/** The JSON object that a text is; null: it is empty. Or what is wrong with it. */
export function readJsonObject(text: string): { value: object | null } | { problem: string } {
  if (text.trim() === '') return { value: null };
  try {
    const value: unknown = parseJson(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { value }
      : { problem: 'It must be a JSON object: {…}' };
  } catch (error) {
    return { problem: `This is not JSON: ${(error as Error).message}` };
  }
}
