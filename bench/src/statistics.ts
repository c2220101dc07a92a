export interface Percentiles {
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** The nearest rank (an existing value). NaN without values. */
export function percentiles(valuesMs: number[]): Percentiles {
  const sorted = valuesMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}

export interface Summary {
  median: number;
  /** Half the range, as a share of the median. 0 for one value. */
  spread: number;
}

/** Summarizes several repetitions. null: none has a value. */
export function summarize(values: (number | null)[]): Summary | null {
  const sorted = values
    .filter((value): value is number => value !== null && !Number.isNaN(value))
    .toSorted((a, b) => a - b);
  const [least, greatest] = [sorted[0], sorted.at(-1)];
  if (least === undefined || greatest === undefined) return null;
  const middle = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
  return { median, spread: greatest === least ? 0 : (greatest - least) / 2 / Math.abs(median) };
}
