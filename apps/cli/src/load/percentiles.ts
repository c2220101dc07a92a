export interface Latency {
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** The nearest rank: existing values, to a tenth of a millisecond. null without values. */
export function percentiles(valuesMs: number[]): Latency | null {
  if (valuesMs.length === 0) return null;
  const sorted = Float64Array.from(valuesMs).toSorted();
  const at = (share: number) => Math.round((sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0) * 10) / 10;
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}
