import { AttemptOutcome } from '../generated/prisma/enums.js';
import { LAST_BUCKET, percentileMs } from './stat.js';

/** Counts of a period. Outcomes and codes that did not occur are not listed. */
export interface Counts {
  accepted: number;
  succeeded: number;
  failed: number;
  byOutcome: Partial<Record<AttemptOutcome, number>>;
  byStatusCode: Map<number, number>;
  p50Ms: number | null;
  p95Ms: number | null;
}

/** Counts for one status code, by column (counters.ts). */
export interface CountRow {
  /** 0: no status code. */
  statusCode: number;
  [counter: string]: unknown;
}

/** Sums rows of any kind. */
export function countsOf(rows: CountRow[]): Counts {
  const counts = { accepted: 0, succeeded: 0, failed: 0 };
  const byOutcome: Counts['byOutcome'] = {};
  const byStatusCode = new Map<number, number>();
  const durations = new Map<number, number>();
  for (const row of rows) {
    counts.accepted += counter(row, 'accepted');
    counts.succeeded += counter(row, 'succeeded');
    counts.failed += counter(row, 'failed');
    for (const outcome of Object.values(AttemptOutcome)) {
      const count = counter(row, outcome);
      if (count === 0) continue;
      byOutcome[outcome] = (byOutcome[outcome] ?? 0) + count;
      if (row.statusCode > 0) byStatusCode.set(row.statusCode, (byStatusCode.get(row.statusCode) ?? 0) + count);
    }
    for (let bucket = 0; bucket <= LAST_BUCKET; bucket += 1) {
      const count = counter(row, `ms_${bucket}`);
      if (count > 0) durations.set(bucket, (durations.get(bucket) ?? 0) + count);
    }
  }
  return {
    ...counts,
    byOutcome,
    byStatusCode,
    p50Ms: percentileMs(durations, 0.5),
    p95Ms: percentileMs(durations, 0.95),
  };
}

const counter = (row: CountRow, name: string): number => (row[name] as number | null) ?? 0;

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
