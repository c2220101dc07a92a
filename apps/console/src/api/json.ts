// Numbers that JavaScript would print differently (1.50, 20 digits) keep their spelling, in browsers with
// "JSON.parse source text access" (ECMAScript proposal, stage 4).
const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };

/** Throws a SyntaxError if the text is not JSON. */
export function parseJson(text: string): unknown {
  if (!rawJSON) return JSON.parse(text);
  const keep = (_: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
      ? rawJSON(context.source)
      : value;
  return JSON.parse(text, keep);
}

/** Indents JSON. Returns other text unchanged. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(parseJson(text), null, 2);
  } catch {
    return text;
  }
}

/** Returns the JSON object in the text (null if the text is empty), or the problem with it. */
export function readJsonObject(text: string): { value: object | null } | { problem: string } {
  if (text.trim() === '') return { value: null };
  try {
    const value: unknown = parseJson(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { value }
      : { problem: 'Enter a JSON object: {…}' };
  } catch (error) {
    return { problem: `This is not valid JSON: ${(error as Error).message}` };
  }
}
