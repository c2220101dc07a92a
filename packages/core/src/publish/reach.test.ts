import { expect, it } from 'vitest';
import { openReach } from './reach.js';

const LIMIT = 5_000;
const key = { accountId: 'acme', type: 'message:created' };

function open() {
  let at = 0;
  const reach = openReach({ limit: LIMIT, now: () => at });
  return { reach, pass: (ms: number) => (at += ms) };
}

it.each([
  { count: 0, expected: 1, isHeavy: false },
  { count: 499, expected: 1, isHeavy: false },
  { count: 500, expected: 500, isHeavy: true },
  { count: LIMIT, expected: LIMIT, isHeavy: true },
  { count: LIMIT + 1, expected: 0, isHeavy: false },
])('after an event with $count deliveries the next one is expected to write $expected', ({ count, ...then }) => {
  const { reach } = open();
  reach.learn(key, count);
  expect({ expected: reach.expected(key), isHeavy: reach.isHeavy(key) }).toEqual(then);
});

it('recounts a fan-out after a while: in the background, or after a long time in a heavy run', () => {
  const { reach, pass } = open();
  const state = () => [reach.knownFanOut(key), reach.isStale(key), reach.isHeavy(key)];
  reach.learn(key, 100_000);
  pass(9_000);
  expect(state()).toEqual([100_000, false, false]);
  // The statement repeats the cached number, which is not a count.
  reach.learn(key, 100_000);
  pass(1_000);
  expect(state()).toEqual([100_000, true, false]);
  reach.refresh(key, 90_000);
  expect(state()).toEqual([90_000, false, false]);
  pass(600_000);
  expect(state()).toEqual([null, true, true]);
  reach.learn(key, 80_000);
  expect(state()).toEqual([80_000, false, false]);
});

it('forgets an account whose webhooks were deleted', () => {
  const { reach, pass } = open();
  reach.learn(key, 100_000);
  pass(10_000);
  reach.refresh(key, 0);
  expect({ expected: reach.expected(key), isHeavy: reach.isHeavy(key) }).toEqual({ expected: 1, isHeavy: false });
});
