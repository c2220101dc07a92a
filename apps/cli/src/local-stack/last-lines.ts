import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The end of a log, to explain why a process ended: pino's JSON lines as level and message, other lines unchanged. */
export function lastLines(file: string, count = 10): string[] {
  const text = tail(file, 16_384);
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .map(readable);
}

function readable(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    const parts = [msg, err?.message].filter((part) => part !== undefined);
    if (parts.length > 0) return parts.join(': ');
  } catch {
    // not pino's
  }
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

function tail(file: string, maxBytes: number): string {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, maxBytes));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    const text = buffer.toString();
    return size > maxBytes ? text.slice(text.indexOf('\n') + 1) : text; // the first line is likely cut
  } finally {
    closeSync(descriptor);
  }
}
