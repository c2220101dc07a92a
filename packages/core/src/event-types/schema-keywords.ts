import { RE2JS } from 're2js';

/** What a keyword of JSON Schema 2020-12 contains: a schema, a list of them, named ones, or something else. */
type Holds = 'schema' | 'list' | 'map' | 'value';

const holding = (holds: Holds, names: string): [string, Holds][] => names.split(' ').map((name) => [name, holds]);

export const KEYWORDS: ReadonlyMap<string, Holds> = new Map([
  ...holding('map', 'properties patternProperties dependentSchemas $defs definitions'),
  ...holding('list', 'prefixItems allOf anyOf oneOf'),
  ...holding('schema', 'additionalProperties unevaluatedProperties propertyNames items contains unevaluatedItems'),
  ...holding('schema', 'not if then else contentSchema'),
  ...holding('value', '$ref $anchor type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum'),
  ...holding('value', 'maxLength minLength pattern maxItems minItems uniqueItems maxContains minContains'),
  ...holding('value', 'maxProperties minProperties required dependentRequired'),
  // Annotations, of which the last ones are OpenAPI's.
  ...holding('value', '$schema $id $comment title description default deprecated readOnly writeOnly examples format'),
  ...holding('value', 'contentEncoding contentMediaType example xml externalDocs discriminator'),
]);

/** What to write instead of a keyword that is refused. */
export const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['nullable', 'add "null" to type instead, such as ["string", "null"]'],
  ['id', 'it belongs to draft 4: use $id, at the top only'],
  ['dependencies', 'use dependentRequired or dependentSchemas instead'],
  ['additionalItems', 'use items together with prefixItems instead'],
  ['$dynamicRef', 'use $ref instead'],
  ['$dynamicAnchor', 'use $anchor instead'],
  ['$recursiveRef', 'use $ref instead'],
  ['$recursiveAnchor', 'use $anchor instead'],
  ['$vocabulary', 'remove it'],
]);

/** A JSON object or a boolean. */
export type Schema = boolean | Record<string, unknown>;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** Yields the schemas directly within a schema, with the path to each. */
export function* childrenOf(
  schema: Record<string, unknown>,
): Generator<{ keyword: string; key: string | null; child: unknown }> {
  for (const [keyword, value] of Object.entries(schema)) {
    const holds = KEYWORDS.get(keyword);
    if (holds === 'schema') yield { keyword, key: null, child: value };
    else if (holds === 'list' && Array.isArray(value)) {
      for (const [index, child] of value.entries()) yield { keyword, key: String(index), child };
    } else if (holds === 'map' && isObject(value)) {
      for (const [key, child] of Object.entries(value)) yield { keyword, key, child };
    }
  }
}

export const pointerTo = (at: string, { keyword, key }: { keyword: string; key: string | null }): string =>
  `${at}/${escapePointer(keyword)}${key === null ? '' : `/${escapePointer(key)}`}`;

/** A pattern of RE2: its time is linear in the text, whatever the pattern. */
export interface LinearPattern {
  matches: (text: string) => boolean;
  /** Steps per character, at most. */
  size: number;
}

const MAX_PATTERN_LENGTH = 1_000;
/** Instructions of a compiled pattern. Compiling so many takes 0.1 s. */
const MAX_PATTERN_SIZE = 10_000;

/** Throws an Error that says what to change if RE2 does not support the pattern, or if it is too large. */
export function compilePattern(pattern: string): LinearPattern {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw new Error(`must have at most ${MAX_PATTERN_LENGTH.toLocaleString('en')} characters`);
  }
  if (estimateSize(pattern) > MAX_PATTERN_SIZE) throw new Error('repeats too much: use maxLength for long repetitions');
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return { matches: (text) => compiled.test(text), size: compiled.programSize() };
  } catch {
    throw new Error('is not a pattern of RE2: write it without look-around, back-references and syntax errors');
  }
}

/** An upper bound, before anything is compiled: RE2 copies what a count repeats, at most 1,000 times when nested. */
function estimateSize(pattern: string): number {
  const counts = [...pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].map(([, min, max]) => Number(max || min));
  if (counts.length === 0) return pattern.length;
  const isNested = /\)[*+?]?\{\d/.test(pattern);
  const copies = isNested
    ? counts.reduce((product, count) => product * Math.max(count, 1), 1)
    : counts.reduce((sum, count) => sum + count, 0);
  return pattern.length * Math.min(Math.max(copies, 1), isNested ? 1_000 : Infinity);
}
