import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { EXIT, PlainError } from '../plain-error.js';

// Parsers of options. Commander adds the name of the option to their errors and exits with 2.

/** 1 or more. */
export function toCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError('Enter a whole number of at least 1.');
}

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `2h`, `7d`. Returns milliseconds. */
export function toDuration(text: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return Number(count) * UNITS[unit as keyof typeof UNITS];
  throw new InvalidArgumentError('Enter a duration such as 90s, 30m, 2h or 7d.');
}

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

/** A condition, or `none`. */
export const toFilter = (text: string): string | Reset => (text === 'none' ? RESET : text);

/** A time, or how long ago. Returns ISO 8601. */
export function toTime(text: string, now: number = Date.now()): string {
  if (/^\d+[smhd]$/.test(text)) return new Date(now - toDuration(text)).toISOString();
  const time = /^\d{4}-\d{2}-\d{2}(T.*(Z|[+-]\d{2}:?\d{2}))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(time)) return new Date(time).toISOString();
  throw new InvalidArgumentError(
    'Enter a time such as 2026-11-21T18:55:00Z, a day such as 2026-11-21, or 2h for two hours ago.',
  );
}

/** For options that can be repeated and separated by commas. */
export function addAll(text: string, earlier: string[] = []): string[] {
  return [...earlier, ...text.split(',').filter((one) => one !== '')];
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

/** `name: value`, repeatable. */
export function addHeader(text: string, earlier: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return { ...earlier, [name]: value };
  throw new InvalidArgumentError('Enter a header such as "x-team: crm".');
}

/** Returns the text of a file, or of stdin for `-`, and checks that it is a JSON object. The text itself is returned, because parsing
 *  would change large numbers and the order of keys. */
export function readJsonText(from: string, option: string): string {
  let text: string;
  try {
    text = readFileSync(from === '-' ? 0 : from, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new PlainError(`${option}: ${from} cannot be read (${code}).`, { exitCode: EXIT.usage, cause: error });
  }
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
