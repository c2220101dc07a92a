/** How the deliveries of a subscription are attempted. null: the operator's default. */
export interface OwnPolicy {
  /** Seconds to wait after each failed attempt. Empty: one attempt. */
  retrySchedule: number[] | null;
  /** The longest duration of an attempt. */
  timeoutMs: number | null;
}

/** What the operator allows a subscription to choose. */
export interface RetryLimits {
  /** The first attempt counts. */
  maxAttempts: number;
  /** The sum of all waits. */
  maxRetrySeconds: number;
  /** Each wait. */
  minWaitSeconds: number;
  maxTimeoutMs: number;
}

/** The operator's default and limits. */
export interface RetryRules {
  waitsMs: readonly number[];
  timeoutMs: number;
  limits: RetryLimits;
}

export interface RetryPolicy {
  /** The wait after each failure. */
  waitsMs: readonly number[];
  timeoutMs: number;
}

/** The settings of the same names. */
interface RetrySettings {
  retryScheduleSeconds: number[];
  deliveryTimeoutMs: number;
  maxAttempts: number;
  maxRetryDays: number;
  minRetryWaitSeconds: number;
  maxDeliveryTimeoutMs: number;
}

const DAY_SECONDS = 24 * 60 * 60;

/** The default is always within the limits: a limit below it is raised to it. */
export function toRetryRules(settings: RetrySettings): RetryRules {
  const { retryScheduleSeconds: waits, deliveryTimeoutMs: timeoutMs } = settings;
  return {
    waitsMs: waits.map((seconds) => seconds * 1_000),
    timeoutMs,
    limits: {
      maxAttempts: Math.max(settings.maxAttempts, waits.length + 1),
      maxRetrySeconds: Math.max(Math.round(settings.maxRetryDays * DAY_SECONDS), sumOf(waits)),
      minWaitSeconds: Math.min(settings.minRetryWaitSeconds, ...waits),
      maxTimeoutMs: Math.max(settings.maxDeliveryTimeoutMs, timeoutMs),
    },
  };
}

/** Pure. Returns how the deliveries of a subscription are attempted. A policy that was stored before the operator lowered
 *  a limit stays within the new one: shorter waits are raised, and the schedule ends where it exceeds the limits. */
export function retryPolicyOf({ retrySchedule, timeoutMs }: OwnPolicy, rules: RetryRules): RetryPolicy {
  return {
    waitsMs: retrySchedule === null ? rules.waitsMs : withinLimits(retrySchedule, rules.limits),
    timeoutMs: timeoutMs === null ? rules.timeoutMs : Math.min(timeoutMs, rules.limits.maxTimeoutMs),
  };
}

function withinLimits(schedule: number[], limits: RetryLimits): number[] {
  const waitsMs: number[] = [];
  let leftSeconds = limits.maxRetrySeconds;
  for (const seconds of schedule.slice(0, limits.maxAttempts - 1)) {
    const wait = Math.max(seconds, limits.minWaitSeconds);
    leftSeconds -= wait;
    if (leftSeconds < 0) break;
    waitsMs.push(wait * 1_000);
  }
  return waitsMs;
}

export interface PolicyProblem {
  /** The path of the field: `retrySchedule`, `retrySchedule[2]` or `timeoutMs`. */
  path: string;
  message: string;
}

/** Pure. Returns what exceeds the operator's limits, each with the limit and its setting. */
export function checkRetryPolicy(
  { retrySchedule = null, timeoutMs = null }: Partial<OwnPolicy>,
  limits: RetryLimits,
): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  const schedule = retrySchedule ?? [];
  const { maxAttempts, maxRetrySeconds, minWaitSeconds, maxTimeoutMs } = limits;
  const short = schedule.findIndex((seconds) => seconds < minWaitSeconds);
  if (short !== -1) {
    const message = `must be at least ${minWaitSeconds} s, the operator's limit (MIN_RETRY_WAIT_SECONDS)`;
    problems.push({ path: `retrySchedule[${short}]`, message });
  }
  if (schedule.length >= maxAttempts) {
    const most = `${maxAttempts - 1} waits, for ${maxAttempts} attempts, the operator's limit (MAX_ATTEMPTS)`;
    problems.push({ path: 'retrySchedule', message: `must have at most ${most}; it has ${schedule.length}` });
  } else if (sumOf(schedule) > maxRetrySeconds) {
    const most = `${maxRetrySeconds} s, the operator's limit (MAX_RETRY_DAYS)`;
    problems.push({
      path: 'retrySchedule',
      message: `must add up to at most ${most}; it adds up to ${sumOf(schedule)} s`,
    });
  }
  if (timeoutMs !== null && timeoutMs > maxTimeoutMs) {
    const message = `must be at most ${maxTimeoutMs}, the operator's limit (MAX_DELIVERY_TIMEOUT_MS)`;
    problems.push({ path: 'timeoutMs', message });
  }
  return problems;
}

/** Returns the schedule of a subscription's row, a JSON array or null. */
export function storedSchedule(value: unknown): number[] | null {
  return Array.isArray(value) ? value.map(Number) : null;
}

const sumOf = (numbers: number[]): number => numbers.reduce((sum, one) => sum + one, 0);
