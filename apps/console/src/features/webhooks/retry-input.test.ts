import { expect, it } from 'vitest';
import { scheduleInput, scheduleText, timeoutInput, timeoutText } from './retry-input.js';

it.each([
  ['', null, ''],
  ['none', [], 'none'],
  ['10', [10], '10s'],
  [' 10s, 5m,2h , 1d', [10, 300, 7_200, 86_400], '10s, 5m, 2h, 1d'],
  ['90, 3600, 0', [90, 3_600, 0], '90s, 1h, 0s'],
])('reads the schedule %j and writes it again', (text, waits, written) => {
  expect(scheduleInput.parse(text)).toEqual(waits);
  expect(scheduleText(waits)).toBe(written);
  expect(scheduleInput.parse(written)).toEqual(waits);
});

it.each(['fast', '10,', '10 20', '1.5', '-1', '5 minutes', '10x'])('says what to enter instead of %j', (text) => {
  expect(scheduleInput.safeParse(text).error?.issues[0]?.message).toContain('such as 10s, 5m, 2h');
});

it('reads a timeout in seconds and writes it again', () => {
  for (const [text, ms] of [
    ['', null],
    ['30', 30_000],
    ['0.5', 500],
  ] as const) {
    expect(timeoutInput.parse(text)).toBe(ms);
    expect(timeoutText(ms)).toBe(text);
  }
});

it.each([
  ['soon', 'Enter a number of seconds'],
  ['0', 'at least 0.1 seconds'],
  ['121', 'at most 120 seconds'],
])('refuses the timeout %j: %s', (text, message) => {
  expect(timeoutInput.safeParse(text).error?.issues[0]?.message).toContain(message);
});
