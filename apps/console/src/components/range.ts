const MINUTE_MS = 60_000;

/** Time ranges that end now, so a link with one of them moves with the time. */
export const RANGES = [
  { id: '15m', label: 'Last 15 minutes', ms: 15 * MINUTE_MS },
  { id: '1h', label: 'Last hour', ms: 60 * MINUTE_MS },
  { id: '24h', label: 'Last 24 hours', ms: 24 * 60 * MINUTE_MS },
  { id: '7d', label: 'Last 7 days', ms: 7 * 24 * 60 * MINUTE_MS },
  { id: '30d', label: 'Last 30 days', ms: 30 * 24 * 60 * MINUTE_MS },
] as const;

/** The range of everything that is stored, for what needs a range. */
export const ALL = { id: 'all', label: 'All time' } as const;
export const BEGINNING = new Date(0).toISOString();

/** The start of a range, rounded to the minute so that it stays the same between two renders. */
export function since(range: string | undefined, now = Date.now()): string | undefined {
  if (range === ALL.id) return BEGINNING;
  const found = RANGES.find(({ id }) => id === range);
  return found && new Date(Math.floor((now - found.ms) / MINUTE_MS) * MINUTE_MS).toISOString();
}

/** A time range in an address: `range` moves with the time, `from` and `to` are fixed. */
export interface Range {
  range?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

/** The bounds of a range, as the API expects them. */
export const boundsOf = ({ range, from, to }: Range): { from: string | undefined; to: string | undefined } => ({
  from: since(range) ?? from,
  to,
});
