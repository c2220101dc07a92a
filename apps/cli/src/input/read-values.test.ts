import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import {
  RESET,
  addAll,
  addHeader,
  readJsonText,
  toCount,
  toDuration,
  toDurationOrDefault,
  toFilter,
  toSchedule,
  toTime,
} from './read-values.js';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-values-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('reads times and how long ago', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  expect(['2h', '7d', '2026-11-20', '2026-11-20T10:00:00+02:00'].map((text) => toTime(text, now))).toEqual([
    '2026-11-21T10:00:00.000Z',
    '2026-11-14T12:00:00.000Z',
    '2026-11-20T00:00:00.000Z',
    '2026-11-20T08:00:00.000Z',
  ]);
  for (const text of ['yesterday', '2h30m', '2026-13-01', '2026-11-20T10:00:00', '', '-2h']) {
    expect(() => toTime(text)).toThrow('Enter a time such as');
  }
});

it('reads durations and counts', () => {
  expect(['90s', '30m', '1d'].map(toDuration)).toEqual([90_000, 1_800_000, 86_400_000]);
  expect(() => toDuration('90')).toThrow('Enter a duration such as 90s');
  expect(toCount('7')).toBe(7);
  for (const text of ['0', '1.5', '-1', 'many', '']) expect(() => toCount(text)).toThrow('at least 1');
});

it('collects repeated options, commas and headers', () => {
  expect(addAll('c,,d', addAll('a,b'))).toEqual(['a', 'b', 'c', 'd']);
  expect(addHeader('x-b: 2: 3', addHeader('x-a:1'))).toEqual({ 'x-a': '1', 'x-b': '2: 3' });
  expect(() => addHeader('no header')).toThrow('Enter a header such as');
});

it('returns the text of a JSON object unchanged, and names the option if it is none', () => {
  const file = join(folder, 'payload.json');
  const read = (text: string) => {
    writeFileSync(file, text);
    return () => readJsonText(file, '--data');
  };
  expect(read('{"2":1.50, "1":12345678901234567890}')()).toBe('{"2":1.50, "1":12345678901234567890}');
  expect(read('[]')).toThrow('--data must be a JSON object.');
  expect(read('{"a":')).toThrow(/^--data: \S+payload\.json is not JSON\./);
  expect(() => readJsonText(join(folder, 'none'), '--data')).toThrow('cannot be read (ENOENT)');
});

it('reads a retry schedule and a timeout, and their defaults', () => {
  expect(toSchedule('10s,5m, 2h')).toEqual([10, 300, 7_200]);
  expect(toSchedule('none')).toEqual([]);
  expect(toSchedule('default')).toBe(RESET);
  for (const text of ['', '10', '10s,,5m', 'never']) expect(() => toSchedule(text)).toThrow('such as 90s');
  expect(toDurationOrDefault('20s')).toBe(20_000);
  expect(toDurationOrDefault('default')).toBe(RESET);
  expect([toFilter('$.a == 1'), toFilter('none')]).toEqual(['$.a == 1', RESET]);
});
