import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** How often an event was logged, without its fields. */
export interface LogHint {
  level: 'warn' | 'error' | 'fatal';
  /** The event of the log reference, or `other`. */
  event: string;
  /** The code or the type of the error, such as ECONNREFUSED. null: none. */
  error: string | null;
  count: number;
  firstAt: string | null;
  lastAt: string | null;
}

const MAX_BYTES = 20 * 1024 * 1024;
const LEVELS = new Map([
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal'],
] as const);

/** Counts the warnings and errors at the end of log files of Posthorn's processes. Throws if a file cannot be read. */
export const readLogHints = (files: readonly string[]): LogHint[] =>
  countHints(files.flatMap((file) => tailOf(file).split('\n')));

/** Takes only names of events, codes and times from each line: messages and other fields may contain anything. */
export function countHints(lines: readonly string[]): LogHint[] {
  const hints = new Map<string, LogHint>();
  for (const line of lines) {
    const entry = parse(line);
    const level = LEVELS.get(entry?.level as 40);
    if (entry === null || level === undefined) continue;
    const event = typeof entry.msg === 'string' && /^[a-z_]+\.[a-zA-Z_]+$/.test(entry.msg) ? entry.msg : 'other';
    const error = errorOf(entry.err);
    const key = `${level} ${event} ${error}`;
    const at = timeOf(entry.time);
    const hint = hints.get(key);
    hints.set(key, {
      level,
      event,
      error,
      count: (hint?.count ?? 0) + 1,
      firstAt: hint?.firstAt ?? at,
      lastAt: at ?? hint?.lastAt ?? null,
    });
  }
  return [...hints.values()].toSorted((a, b) => b.count - a.count);
}

interface Entry {
  level?: unknown;
  msg?: unknown;
  time?: unknown;
  err?: unknown;
}

function parse(line: string): Entry | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return null;
  }
}

function errorOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  const { code, type } = error as { code?: unknown; type?: unknown };
  if (typeof code === 'string' && /^[A-Z\d_]{2,40}$/.test(code)) return code;
  return typeof type === 'string' && /^[A-Za-z]{2,40}$/.test(type) ? type : null;
}

function timeOf(time: unknown): string | null {
  const ms = typeof time === 'string' ? Date.parse(time) : Number(time);
  return Number.isFinite(ms) && ms > 0 && ms < 1e13 ? new Date(ms).toISOString() : null;
}

function tailOf(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, MAX_BYTES));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString();
  } finally {
    closeSync(descriptor);
  }
}
