import { readFileSync } from 'node:fs';
import { MASK } from '@posthorn/contract/mask';
import { checkHeaders } from '@posthorn/sender/check-headers';
import { InvalidArgumentError } from 'commander';
import { EXIT, PlainError } from '../plain-error.js';

// Parsers of options. Commander adds the name of the option to their errors and exits with 2.

/** 1 or more. */
export function toCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError('Enter a whole number of at least 1.');
}

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };
type Unit = keyof typeof UNITS;
const MAX_DURATION_MS = 36_500 * UNITS.d;

/** `90s`, `30m`, `2h`, `7d`. Returns milliseconds. */
export function toDuration(text: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const durationMs = Number(count) * UNITS[unit as Unit];
  if (durationMs <= MAX_DURATION_MS) return durationMs;
  throw new InvalidArgumentError('Enter a duration such as 90s, 30m, 2h or 7d, at most 36500d.');
}

/** The duration as `toDuration` reads it. */
export function durationText(durationMs: number): string {
  const unit = (Object.keys(UNITS) as Unit[]).find((one) => durationMs % UNITS[one] === 0);
  return unit === undefined ? `${durationMs} ms` : durationMs === 0 ? '0s' : `${durationMs / UNITS[unit]}${unit}`;
}

/** The limit of one request: a timer that is longer would end at once. Returns milliseconds. */
export function toRequestTimeout(text: string): number {
  const timeoutMs = toDuration(text);
  if (timeoutMs > 0 && timeoutMs <= UNITS.d) return timeoutMs;
  throw new InvalidArgumentError('Enter a duration from 1s to 1d.');
}

// An option with the value `none` removes what was set. `default` returns to the operator's setting.

/** Stands for null in parsed options, which commander would replace by an empty text. */
export const RESET = Symbol('reset');
export type Reset = typeof RESET;

/** A duration, or `default`. Returns milliseconds. */
export const toDurationOrDefault = (text: string): number | Reset => (text === 'default' ? RESET : toDuration(text));

/** `10s,5m,2h`; `none`: no retries; `default`: the operator's schedule. Returns seconds. */
export function toSchedule(text: string): number[] | Reset {
  if (text === 'default') return RESET;
  return text === 'none' ? [] : text.split(',').map((wait) => toDuration(wait.trim()) / 1_000);
}

/** A text, or `none`. */
export const toTextOrNone = (text: string): string | Reset => (text === 'none' ? RESET : text);

/** A count, or `none`. */
export const toCountOrNone = (text: string): number | Reset => (text === 'none' ? RESET : toCount(text));

/** A time from 1970 on, or how long ago. Returns ISO 8601. */
export function toTime(text: string, now: number = Date.now()): string {
  const time = /^\d+[smhd]$/.test(text)
    ? now - toDuration(text)
    : /^\d{4}-\d{2}-\d{2}(T.*(Z|[+-]\d{2}:?\d{2}))?$/.test(text)
      ? Date.parse(text)
      : Number.NaN;
  if (time >= 0) return new Date(time).toISOString();
  throw new InvalidArgumentError(
    'Enter a time such as 2026-11-21T18:55:00Z, a day such as 2026-11-21, or 2h for two hours ago. It must not be before 1970.',
  );
}

/** For options that can be repeated and separated by commas. Throws for an empty value: a variable that is not set must not mean all. */
export function addAll(text: string, earlier: string[] = []): string[] {
  const values = text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  if (values.length > 0) return [...earlier, ...values];
  throw new InvalidArgumentError('It is empty. Enter at least one value, or leave out the option.');
}

/** For options that can be repeated and whose values may contain commas. */
export function addOne(text: string, earlier: string[] = []): string[] {
  if (text.trim() !== '') return [...earlier, text];
  throw new InvalidArgumentError('It is empty.');
}

/** Event types and patterns, like `addAll`. `*` means all types: an empty list. */
export function addPatterns(text: string, earlier?: string[]): string[] {
  if (text.trim() === '') {
    throw new InvalidArgumentError("It is empty. Enter event types such as message:created, or '*' for all types.");
  }
  const events = addAll(text, earlier);
  if (!events.includes('*') && earlier?.length !== 0) return events;
  if (events.length === 1 && earlier === undefined) return [];
  throw new InvalidArgumentError("'*' means all event types, so it is the only value.");
}

/** Throws for a text that the API refuses as an `Idempotency-Key`. */
export function toIdempotencyKey(text: string): string {
  if (/^[\x20-\x7e]{1,255}$/.test(text)) return text;
  throw new InvalidArgumentError('Enter 1 to 255 printable ASCII characters.');
}

/** Throws unless the API knows all values of an option. */
export function requireKnown(values: string[] | undefined, known: readonly string[], option: string): void {
  const unknown = values?.find((value) => !known.includes(value));
  if (unknown === undefined) return;
  throw new PlainError(`${option}: ${JSON.stringify(unknown)} is unknown.`, {
    fix: `Use one of: ${known.join(', ')}.`,
    exitCode: EXIT.usage,
  });
}

type Headers = Record<string, string>;

/** `name: value`, repeatable. Throws for a header that cannot be sent. */
export const addHeader = (text: string, earlier?: Headers): Headers => withHeader(text, earlier, (headers) => headers);

/** Like `addHeader`, for headers that the API stores: a mask keeps the stored value, and `none` removes all headers. */
export function addStoredHeader(text: string, earlier?: Headers): Headers {
  const isAlone = earlier === undefined;
  if (text === 'none' && isAlone) return {};
  if (text === 'none' || (!isAlone && Object.keys(earlier).length === 0)) {
    throw new InvalidArgumentError('none removes all headers, so it is the only value.');
  }
  return withHeader(text, earlier, withoutMasks);
}

const withoutMasks = (headers: Headers): Headers =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value === MASK ? '' : value]));

function withHeader(text: string, earlier: Headers | undefined, toChecked: (headers: Headers) => Headers): Headers {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('Enter a header such as "x-team: crm".');
  }
  const headers = { ...earlier, [name]: value };
  const check = checkHeaders(toChecked(headers));
  if (check.ok) return headers;
  throw new InvalidArgumentError(check.reason);
}

/** Returns the text of a file, or of stdin for `-`. */
export function readText(from: string, option: string): string {
  try {
    return readFileSync(from === '-' ? 0 : from, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new PlainError(`${option}: ${from} cannot be read (${code}).`, { exitCode: EXIT.usage, cause: error });
  }
}

/** Like `readText`, and checks that it is a JSON object. The text itself is returned, because parsing would change large numbers and
 *  the order of keys. */
export function readJsonText(from: string, option: string): string {
  const text = readText(from, option);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new PlainError(`${option}: ${from === '-' ? 'stdin' : from} is not JSON. ${(error as Error).message}.`, {
      exitCode: EXIT.usage,
      cause: error,
    });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text;
  throw new PlainError(`${option} must be a JSON object.`, { exitCode: EXIT.usage });
}

/** Returns the JSON object in a file, or in stdin for `-`, for a field that the API stores as values. Throws for a number that would
 *  change. */
export function readJsonObject(from: string, option: string): Record<string, unknown> {
  const text = readJsonText(from, option);
  const rounded = findRoundedNumber(text);
  if (rounded === null) return JSON.parse(text) as Record<string, unknown>;
  throw new PlainError(`${option}: the number ${rounded} would be rounded to ${Number(rounded)}.`, {
    fix: `Write it as a text: "${rounded}".`,
    exitCode: EXIT.usage,
  });
}

/** Returns the first number in a JSON text that JavaScript cannot hold. null: none. */
function findRoundedNumber(json: string): string | null {
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g)) {
    if (!token.startsWith('"') && digitsOf(token) !== digitsOf(String(Number(token)))) return token;
  }
  return null;
}

/** The same text for every way to write a number: significant digits and exponent. */
function digitsOf(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(number) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
