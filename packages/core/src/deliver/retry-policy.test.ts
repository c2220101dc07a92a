import { readEnv } from '@posthorn/settings';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRetryPolicy, retryPolicyOf, type RetryRules, storedSchedule, toRetryRules } from './retry-policy.js';

const NAMES = [
  'RETRY_SCHEDULE_SECONDS',
  'DELIVERY_TIMEOUT_MS',
  'MAX_ATTEMPTS',
  'MAX_RETRY_DAYS',
  'MIN_RETRY_WAIT_SECONDS',
  'MAX_DELIVERY_TIMEOUT_MS',
] as const;
const rulesOf = (env: Record<string, string>): RetryRules => toRetryRules(readEnv(env, NAMES));
const DEFAULTS = rulesOf({});
const LOW = rulesOf({
  RETRY_SCHEDULE_SECONDS: '60',
  MAX_ATTEMPTS: '4',
  MAX_RETRY_DAYS: '0.01',
  MIN_RETRY_WAIT_SECONDS: '5',
});
const problemsOf = (policy: Parameters<typeof checkRetryPolicy>[0], rules = DEFAULTS) =>
  checkRetryPolicy(policy, rules.limits).map(({ path, message }) => `${path} ${message}`);

describe('the limits of the operator', () => {
  it('are 25 attempts in 7 days, waits of a second and a timeout of 30 s by default', () => {
    expect(DEFAULTS.limits).toEqual({
      maxAttempts: 25,
      maxRetrySeconds: 604_800,
      minWaitSeconds: 1,
      maxTimeoutMs: 30_000,
    });
  });

  it('always allow the default', () => {
    const { limits } = rulesOf({
      RETRY_SCHEDULE_SECONDS: `0,${Array(29).fill(86_400).join()}`,
      DELIVERY_TIMEOUT_MS: '60000',
    });
    expect(limits).toEqual({
      maxAttempts: 31,
      maxRetrySeconds: 29 * 86_400,
      minWaitSeconds: 0,
      maxTimeoutMs: 60_000,
    });
  });

  it('are named in the message, with what exceeds them', () => {
    expect(problemsOf({ retrySchedule: [10, 0] })).toEqual([
      "retrySchedule[1] must be at least 1 s, the operator's limit (MIN_RETRY_WAIT_SECONDS)",
    ]);
    expect(problemsOf({ retrySchedule: Array(25).fill(1) })).toEqual([
      "retrySchedule must have at most 24 waits, for 25 attempts, the operator's limit (MAX_ATTEMPTS); it has 25",
    ]);
    expect(problemsOf({ retrySchedule: [604_800, 1] })).toEqual([
      "retrySchedule must add up to at most 604800 s, the operator's limit (MAX_RETRY_DAYS); it adds up to 604801 s",
    ]);
    expect(problemsOf({ timeoutMs: 30_001 })).toEqual([
      "timeoutMs must be at most 30000, the operator's limit (MAX_DELIVERY_TIMEOUT_MS)",
    ]);
  });

  it('accept a policy at each limit, no retries, and the defaults', () => {
    expect(problemsOf({ retrySchedule: Array(24).fill(25_200), timeoutMs: 30_000 })).toEqual([]);
    expect(problemsOf({ retrySchedule: [] })).toEqual([]);
    expect(problemsOf({ retrySchedule: null, timeoutMs: null })).toEqual([]);
    expect(problemsOf({})).toEqual([]);
  });
});

describe('retryPolicyOf', () => {
  it('takes each part from the subscription, or else from the operator', () => {
    expect(retryPolicyOf({ retrySchedule: null, timeoutMs: null }, DEFAULTS)).toEqual({
      waitsMs: DEFAULTS.waitsMs,
      timeoutMs: 15_000,
    });
    expect(retryPolicyOf({ retrySchedule: [10, 60], timeoutMs: 5_000 }, DEFAULTS)).toEqual({
      waitsMs: [10_000, 60_000],
      timeoutMs: 5_000,
    });
    expect(retryPolicyOf({ retrySchedule: [], timeoutMs: null }, DEFAULTS).waitsMs).toEqual([]);
  });

  it('cuts a stored policy to limits that were lowered afterwards', () => {
    expect(retryPolicyOf({ retrySchedule: [1, 10, 20, 30, 40], timeoutMs: 100_000 }, LOW)).toEqual({
      waitsMs: [5_000, 10_000, 20_000],
      timeoutMs: 30_000,
    });
    expect(retryPolicyOf({ retrySchedule: [800, 100, 1], timeoutMs: null }, LOW).waitsMs).toEqual([800_000]);
  });

  it('changes no policy that passes the check', () => {
    const policies = fc.record({
      retrySchedule: fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 6 }),
      timeoutMs: fc.integer({ min: 100, max: 120_000 }),
    });
    fc.assert(
      fc.property(policies, (policy) => {
        const used = retryPolicyOf(policy, LOW);
        const isUnchanged =
          used.timeoutMs === policy.timeoutMs &&
          used.waitsMs.join() === policy.retrySchedule.map((seconds) => seconds * 1_000).join();
        expect(isUnchanged).toBe(checkRetryPolicy(policy, LOW.limits).length === 0);
      }),
    );
  });
});

it('storedSchedule distinguishes no retries from the default', () => {
  expect([storedSchedule([]), storedSchedule(null), storedSchedule([5])]).toEqual([[], null, [5]]);
});
