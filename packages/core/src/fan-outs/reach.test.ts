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

it('has a fan-out counted again after a while, in a run of the heavy ones', () => {
  const { reach, pass } = open();
  reach.learn(key, 100_000);
  pass(9_000);
  // The ledger repeats the number it was given: that is no count.
  reach.learn(key, 100_000);
  expect(reach.knownFanOut(key)).toBe(100_000);
  pass(1_000);
  expect(reach.knownFanOut(key)).toBeNull();
  expect(reach.isHeavy(key)).toBe(true);
  reach.learn(key, 90_000);
  expect(reach.knownFanOut(key)).toBe(90_000);
});

it('forgets an account whose webhooks are gone', () => {
  const { reach, pass } = open();
  reach.learn(key, 100_000);
  pass(10_000);
  reach.learn(key, 0);
  expect({ expected: reach.expected(key), isHeavy: reach.isHeavy(key) }).toEqual({ expected: 1, isHeavy: false });
});
