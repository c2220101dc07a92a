import { z } from 'zod';

// Postgres rejects NUL. Half of a surrogate pair has no UTF-8 form, so it would be stored as another character.
const UNSTORABLE = /[\0\p{Surrogate}]/u;
const RULE = 'must not contain NUL or half of a surrogate pair: send well-formed Unicode';

export const isStorable = (value: string): boolean => !UNSTORABLE.test(value);

/** A string that Postgres stores unchanged. `min` and `max` count UTF-16 units. */
export const text = (min: number, max: number) => z.string().min(min).max(max).refine(isStorable, RULE);

/** A time in a response: ISO 8601, UTC, milliseconds. */
export const time = (description: string) =>
  z.string().meta({ format: 'date-time', description, examples: ['2026-11-21T18:55:00.000Z'] });

export const timeOrNull = (description: string) => time(description).nullable().describe(description);

/** A time in a request. */
export const moment = (description: string) =>
  z
    .string()
    .refine((value) => z.iso.datetime({ offset: true }).safeParse(value).success, MOMENT_RULE)
    .refine(
      (value) => !(Date.parse(value) < 0 || Date.parse(value) >= YEAR_10000),
      'must be between the years 1970 and 9999',
    )
    .meta({ format: 'date-time', description, examples: ['2026-11-21T18:55:00Z'] });

const MOMENT_RULE = 'must be a time with its zone, such as 2026-11-21T18:55:00Z';
const YEAR_10000 = Date.UTC(10_000, 0);

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** A JSON object of the caller that is returned as it was sent. Rejects values that would change on the way. */
export const jsonObject = (limits: { maxDepth: number; maxBytes: number }) =>
  z
    .custom<JsonObject>()
    .superRefine((value: unknown, context) => {
      const fault = findFault(value, limits);
      if (fault) context.addIssue({ code: 'custom', ...fault });
    })
    .meta({ type: 'object', additionalProperties: true });

/** A JSON object whose route parses the text of the body and checks the rest. */
export const rawObject = (description: string) =>
  z
    .custom<JsonObject>(isObject, 'must be a JSON object')
    .meta({ type: 'object', additionalProperties: true, description });

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A JSON object in a response. */
export const anyObject = (description: string) =>
  z.custom<JsonObject>().meta({ type: 'object', additionalProperties: true, description });

export const anyObjectOrNull = (description: string) => anyObject(description).nullable().describe(description);

interface Fault {
  path: (string | number)[];
  message: string;
}

/** A value within the root; the root itself has no parent. */
interface Place {
  value: unknown;
  parent: Place | null;
  key: string | number;
  depth: number;
}

function findFault(root: unknown, { maxDepth, maxBytes }: { maxDepth: number; maxBytes: number }): Fault | null {
  if (!isObject(root)) return { path: [], message: 'must be a JSON object' };
  // No recursion: callers choose the depth. Paths are built for faults only: there may be a hundred thousand values.
  const left: Place[] = [{ value: root, parent: null, key: '', depth: 0 }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, depth } = next;
    const message = describeFault(value);
    if (message !== null) return { path: pathOf(next), message };
    if (typeof value !== 'object' || value === null) continue;
    if (depth === maxDepth) return { path: pathOf(next), message: `must be nested at most ${maxDepth} deep` };
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index += 1) {
        left.push({ value: value[index], parent: next, key: index, depth: depth + 1 });
      }
      continue;
    }
    for (const [key, child] of Object.entries(value)) {
      if (!isStorable(key)) return { path: pathOf(next), message: `has a key that ${RULE}` };
      left.push({ value: child, parent: next, key, depth: depth + 1 });
    }
  }
  const bytes = new TextEncoder().encode(JSON.stringify(root)).length;
  return bytes > maxBytes ? { path: [], message: `must be at most ${maxBytes} bytes of JSON; it is ${bytes}` } : null;
}

function pathOf(place: Place): (string | number)[] {
  const path: (string | number)[] = [];
  for (let at = place; at.parent !== null; at = at.parent) path.push(at.key);
  return path.toReversed();
}

function describeFault(value: unknown): string | null {
  if (typeof value === 'string' && !isStorable(value)) return RULE;
  if (typeof value !== 'number') return null;
  const isKept = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return isKept ? null : 'is a number that would be rounded: send it as a string';
}
