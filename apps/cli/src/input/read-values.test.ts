import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import {
  RESET,
  addAll,
  addPatterns,
  addHeader,
  addStoredHeader,
  durationText,
  readJsonObject,
  readJsonText,
  toCount,
  toCountOrNone,
  toDuration,
  toDurationOrDefault,
  toIdempotencyKey,
  toRequestTimeout,
  toSchedule,
  toTextOrNone,
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
  // The last ones have no ISO form, or are before 1970.
  for (const text of ['yesterday', '2h30m', '2026-13-01', '2026-11-20T10:00:00', '', '-2h', '36500d', '1969-12-31']) {
    expect(() => toTime(text)).toThrow('Enter a time such as');
  }
});

it('reads durations and counts', () => {
  expect(['90s', '30m', '1d'].map(toDuration)).toEqual([90_000, 1_800_000, 86_400_000]);
  expect(() => toDuration('90')).toThrow('Enter a duration such as 90s');
  for (const text of ['36501d', '999999999d']) expect(() => toDuration(text)).toThrow('at most 36500d');
  expect(() => toTime('999999999d')).toThrow('at most 36500d');
  expect(['90s', '30m', '2h', '1d', '0s'].map((text) => durationText(toDuration(text)))).toEqual([
    '90s',
    '30m',
    '2h',
    '1d',
    '0s',
  ]);
  expect(durationText(1_500)).toBe('1500 ms');
  expect(toRequestTimeout('1d')).toBe(86_400_000);
  for (const text of ['0s', '25d']) expect(() => toRequestTimeout(text)).toThrow('from 1s to 1d');
  expect(toCount('7')).toBe(7);
  for (const text of ['0', '1.5', '-1', 'many', '', '1e300']) expect(() => toCount(text)).toThrow('at least 1');
});

it('collects repeated options, commas and headers', () => {
  expect(addAll('c,, d', addAll('a,b'))).toEqual(['a', 'b', 'c', 'd']);
  expect(addHeader('x-b: 2: 3', addHeader('x-a:1'))).toEqual({ 'x-a': '1', 'x-b': '2: 3' });
  expect(() => addHeader('no header')).toThrow('Enter a header such as');
});

it('regression: an empty value, as of a variable that is not set, does not mean all', () => {
  for (const text of ['', ',', ' ']) {
    expect(() => addAll(text)).toThrow('It is empty.');
    expect(() => addAll(text, ['a'])).toThrow('It is empty.');
  }
  expect(() => addPatterns('')).toThrow("or '*' for all types");
  expect([addPatterns('*'), addPatterns('message:*', addPatterns('a'))]).toEqual([[], ['a', 'message:*']]);
  for (const [text, earlier] of [['a,*'], ['*', ['a']], ['a', []]] as const) {
    expect(() => addPatterns(text, earlier && [...earlier])).toThrow('it is the only value');
  }
});

it('regression: refuses headers and keys that the request could not have', () => {
  expect(() => addHeader('x-team: €')).toThrow('printable Latin characters');
  expect(() => addHeader('a(b): c')).toThrow('A header name may contain letters, digits and -');
  expect(() => addHeader('X-A: 1', { 'x-a': '2' })).toThrow('Duplicate header');
  expect(() => addHeader('webhook-id: 1')).toThrow('Posthorn sets this header itself');
  expect(toIdempotencyKey('order-7')).toBe('order-7');
  for (const key of ['', 'ü', 'x'.repeat(256)]) expect(() => toIdempotencyKey(key)).toThrow('1 to 255 printable ASCII');
});

it('stored headers keep a masked value, and none removes them', () => {
  expect(addStoredHeader('x-b: ••••', addStoredHeader('x-a: 1'))).toEqual({ 'x-a': '1', 'x-b': '••••' });
  expect(() => addHeader('x-b: ••••')).toThrow('printable Latin characters');
  expect(addStoredHeader('none')).toEqual({});
  expect(() => addStoredHeader('x-a: 1', {})).toThrow('it is the only value');
  expect(() => addStoredHeader('none', { 'x-a': '1' })).toThrow('it is the only value');
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

it('regression: refuses numbers that would be rounded where the API stores values', () => {
  const file = join(folder, 'values.json');
  const read = (text: string) => {
    writeFileSync(file, text);
    return () => readJsonObject(file, '--schema');
  };
  const kept =
    '{"a":[0,-0,1.50,100,1e3,1.0E-7,0.1,-12.5e-3,9007199254740991,1e21],"b":"12345678901234567890 \\" 1e999"}';
  expect(read(kept)()).toEqual(JSON.parse(kept));
  for (const number of ['12345678901234567890', '9007199254740993', '0.12345678901234567890', '1e999', '1e-999']) {
    expect(read(`{"a":{"b":[1,${number}]}}`)).toThrow(`--schema: the number ${number} would be rounded to`);
  }
});

it('reads a retry schedule and a timeout, and their defaults', () => {
  expect(toSchedule('10s,5m, 2h')).toEqual([10, 300, 7_200]);
  expect(toSchedule('none')).toEqual([]);
  expect(toSchedule('default')).toBe(RESET);
  for (const text of ['', '10', '10s,,5m', 'never']) expect(() => toSchedule(text)).toThrow('such as 90s');
  expect(toDurationOrDefault('20s')).toBe(20_000);
  expect(toDurationOrDefault('default')).toBe(RESET);
  expect([toTextOrNone('$.a == 1'), toTextOrNone('none')]).toEqual(['$.a == 1', RESET]);
  expect([toCountOrNone('5'), toCountOrNone('none')]).toEqual([5, RESET]);
});
