import { expect, it } from 'vitest';
import { type AttemptEnd, retryWaitMs } from './retry-wait.js';

const wait = (end: AttemptEnd, repeatable: boolean, attempt = 1, random = 0) =>
  retryWaitMs(end, { attempt, maxAttempts: 5, repeatable, random: () => random });
const status = (code: number, retryAfterMs: number | null = null): AttemptEnd => ({ status: code, retryAfterMs });

it.each<[string, AttemptEnd, repeatable: boolean, isRepeated: boolean]>([
  ['429', status(429), false, true],
  ['503, repeatable', status(503), true, true],
  ['503, not repeatable', status(503), false, false],
  ['502 of a proxy', status(502), true, true],
  ['504 of a proxy', status(504), true, true],
  ['500', status(500), true, false],
  ['409', status(409), true, false],
  ['a status of success that is not from Posthorn', status(200), true, false],
  ['no connection', { status: null, connected: false }, false, true],
  ['a connection that failed, repeatable', { status: null, connected: true }, true, true],
  ['a connection that failed, not repeatable', { status: null, connected: true }, false, false],
])('decides whether to repeat a request after %s', (_what, end, repeatable, isRepeated) => {
  expect(wait(end, repeatable) !== null).toBe(isRepeated);
});

it('waits longer each time, up to 8 s, half of it at random, and ends after the last attempt', () => {
  const waits = (random: number) => [1, 2, 3, 4, 5].map((attempt) => wait(status(503), true, attempt, random));
  expect(waits(0)).toEqual([125, 250, 500, 1000, null]);
  expect(waits(1)).toEqual([250, 500, 1000, 2000, null]);
  expect(retryWaitMs(status(503), { attempt: 20, maxAttempts: 99, repeatable: true, random: () => 1 })).toBe(8000);
});

it('never waits less than Retry-After', () => {
  expect(wait(status(429, 3000), true)).toBe(3000);
  expect(wait(status(429, 3000), true, 1, 1)).toBe(3125);
  expect(wait(status(429, 0), true)).toBe(125);
});
