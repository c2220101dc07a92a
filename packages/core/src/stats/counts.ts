import type { AttemptOutcome } from '../generated/prisma/client.js';
import { percentileMs } from './stat.js';

/** What happened in a time. Outcomes and codes that did not come up are not listed. */
export interface Counts {
  accepted: number;
  succeeded: number;
  failed: number;
  byOutcome: Partial<Record<AttemptOutcome, number>>;
  byStatusCode: Map<number, number>;
  p50Ms: number | null;
  p95Ms: number | null;
}

/** Adds up what was counted, whatever of. */
export function countsOf(rows: { kind: string; count: number }[]): Counts {
  const counts = { accepted: 0, succeeded: 0, failed: 0 };
  const byOutcome: Counts['byOutcome'] = {};
  const byStatusCode = new Map<number, number>();
  const durations = new Map<number, number>();
  for (const { kind, count } of rows) {
    const [of = '', what = ''] = kind.split('.');
    if (of === 'accepted') counts.accepted += count;
    else if (kind === 'ended.succeeded') counts.succeeded += count;
    else if (kind === 'ended.failed') counts.failed += count;
    else if (of === 'outcome') byOutcome[what as AttemptOutcome] = (byOutcome[what as AttemptOutcome] ?? 0) + count;
    else if (of === 'code') byStatusCode.set(Number(what), (byStatusCode.get(Number(what)) ?? 0) + count);
    else if (of === 'ms') durations.set(Number(what), (durations.get(Number(what)) ?? 0) + count);
  }
  return {
    ...counts,
    byOutcome,
    byStatusCode,
    p50Ms: percentileMs(durations, 0.5),
    p95Ms: percentileMs(durations, 0.95),
  };
}

export function groupBy<Item, Key>(items: Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
