import {
  type AccountStats,
  ATTEMPT_OUTCOMES,
  MAX_WAITING_OF_ROW,
  type PeriodStats,
  type StatsPeriod,
  type SubscriptionStats,
  toTypeId,
  type WaitingOfRow,
} from '@posthorn/contract';
import type { Counts, Day, LastDelivery, Period, WaitingCount } from '@posthorn/core';
import { lastAttemptJson } from './delivery-json.js';

/** Maximum number of event types in `byEventType`. */
const MAX_TYPES = 50;

/** `hasAccepted`: false for a subscription, because events belong to the account. */
export function periodStatsJson(counts: Counts, { hasAccepted }: { hasAccepted: boolean }): PeriodStats {
  const attempts = attemptsOf(counts.byOutcome);
  return {
    accepted: hasAccepted ? counts.accepted : null,
    deliveries: { succeeded: counts.succeeded, failed: counts.failed },
    attempts,
    successRate: rate(attempts),
    p50Ms: counts.p50Ms,
    p95Ms: counts.p95Ms,
  };
}

export function periodJson(
  { totals, byEventType }: Period,
  { from, to, hasAccepted }: { from: Date; to: Date; hasAccepted: boolean },
): StatsPeriod {
  const types = [...byEventType]
    .map(([event, counts]) => ({ event, ...periodStatsJson(counts, { hasAccepted }) }))
    .toSorted((a, b) => b.attempts.total - a.attempts.total || (b.accepted ?? 0) - (a.accepted ?? 0));
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    ...periodStatsJson(totals, { hasAccepted }),
    byOutcome: Object.fromEntries(ATTEMPT_OUTCOMES.map((outcome) => [outcome, totals.byOutcome[outcome] ?? 0])),
    byStatusCode: [...totals.byStatusCode]
      .map(([statusCode, attempts]) => ({ statusCode, attempts }))
      .toSorted((a, b) => b.attempts - a.attempts || a.statusCode - b.statusCode),
    byEventType: types.slice(0, MAX_TYPES),
  };
}

/** `waiting` undefined: none waits. */
export function subscriptionStatsJson(
  { counts, hours }: Day,
  { last, waiting }: { last: LastDelivery | undefined; waiting: WaitingCount | undefined },
): SubscriptionStats {
  const attempts = attemptsOf(counts.byOutcome);
  return {
    attempts: attempts.total,
    succeeded: attempts.ok,
    successRate: rate(attempts),
    p95Ms: counts.p95Ms,
    sparkline: hours.map(({ at, byOutcome }) => {
      const { ok: succeeded, failed } = attemptsOf(byOutcome);
      return { at: at.toISOString(), succeeded, failed };
    }),
    lastDelivery: last
      ? {
          id: toTypeId('dlv', last.id),
          status: last.status,
          createdAt: last.createdAt.toISOString(),
          lastAttempt: lastAttemptJson(last),
        }
      : null,
    waiting: waitingJson(waiting),
  };
}

export function accountStatsJson(
  { counts }: Day,
  { subscriptions, waiting }: { subscriptions: number; waiting: WaitingCount | undefined },
): AccountStats {
  const attempts = attemptsOf(counts.byOutcome);
  return {
    subscriptions,
    accepted: counts.accepted,
    deliveries: { succeeded: counts.succeeded, failed: counts.failed },
    attempts: attempts.total,
    successRate: rate(attempts),
    waiting: waitingJson(waiting),
  };
}

const waitingJson = ({ count, oldestAt }: WaitingCount = { count: 0, oldestAt: null }): WaitingOfRow => ({
  count: Math.min(count, MAX_WAITING_OF_ROW),
  more: count > MAX_WAITING_OF_ROW,
  oldestCreatedAt: oldestAt?.toISOString() ?? null,
});

/** Aborted attempts count only in the total: they say nothing about the endpoint. */
function attemptsOf(byOutcome: Counts['byOutcome']): PeriodStats['attempts'] {
  const total = Object.values(byOutcome).reduce((sum, count) => sum + count, 0);
  const ok = byOutcome.ok ?? 0;
  return { total, ok, failed: total - ok - (byOutcome.aborted ?? 0) };
}

const rate = ({ ok, failed }: PeriodStats['attempts']): number | null =>
  ok + failed === 0 ? null : ok / (ok + failed);
