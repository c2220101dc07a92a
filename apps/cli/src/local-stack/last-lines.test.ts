import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lastLines } from './last-lines.js';

const folder = mkdtempSync(join(tmpdir(), 'last-lines-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('returns the last lines of a log, also of a large one, with pino’s JSON as level and message', () => {
  const file = join(folder, 'some.log');
  const early = Array.from({ length: 5_000 }, (_, index) => `early line ${index}`);
  const pino = [
    '{"level":30,"msg":"api.started"}',
    '{"level":60,"err":{"message":"ECONNREFUSED"},"msg":"database.away"}',
  ];
  writeFileSync(file, [...early, ...pino, '', 'Error: boom', ''].join('\n'));
  expect(lastLines(file, 4)).toEqual(['early line 4999', 'api.started', 'database.away: ECONNREFUSED', 'Error: boom']);
});

test('returns no lines for an empty log', () => {
  const file = join(folder, 'empty.log');
  writeFileSync(file, '');
  expect(lastLines(file)).toEqual([]);
});
