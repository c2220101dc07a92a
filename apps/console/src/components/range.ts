const MINUTE_MS = 60_000;

/** Spans of time that end now. A link with one of them moves on with the time. */
export const RANGES = [
  { id: '15m', label: 'Last 15 minutes', ms: 15 * MINUTE_MS },
  { id: '1h', label: 'Last hour', ms: 60 * MINUTE_MS },
  { id: '24h', label: 'Last 24 hours', ms: 24 * 60 * MINUTE_MS },
  { id: '7d', label: 'Last 7 days', ms: 7 * 24 * 60 * MINUTE_MS },
  { id: '30d', label: 'Last 30 days', ms: 30 * 24 * 60 * MINUTE_MS },
] as const;

/** Where a range begins, to the minute, so that it stays the same between two renders. */
export function since(range: string | undefined, now = Date.now()): string | undefined {
  const found = RANGES.find(({ id }) => id === range);
  return found && new Date(Math.floor((now - found.ms) / MINUTE_MS) * MINUTE_MS).toISOString();
}

/** A time, as an address has it: one that moves on, or from one moment to another. */
export interface Range {
  range?: string;
  from?: string;
  to?: string;
}

/** What the address says of a time, as the API takes it. */
export const boundsOf = ({ range, from, to }: Range): { from: string | undefined; to: string | undefined } => ({
  from: since(range) ?? from,
  to,
});
