/** The result of one check of `doctor`. */
export interface Check {
  name: string;
  /** `skipped`: nothing to check, because the setting is not here. */
  status: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What was found, without secrets and without user names. */
  detail: string;
  /** What to do. null: nothing. */
  fix: string | null;
}

export const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail, fix: null });
export const skipped = (name: string, detail: string): Check => ({ name, status: 'skipped', detail, fix: null });
export const warning = (name: string, detail: string, fix: string): Check => ({ name, status: 'warning', detail, fix });
export const failed = (name: string, detail: string, fix: string): Check => ({ name, status: 'failed', detail, fix });

/** Strict order and signatures tolerate less than this; endpoints reject signatures after five minutes. */
const MAX_SKEW_MS = 2_000;

/** Judges the difference between a clock and that of this machine. */
export function judgeClock(name: string, aheadMs: number): Check {
  const text = `${(Math.abs(aheadMs) / 1000).toFixed(1)} s ${aheadMs < 0 ? 'behind' : 'ahead of'} this machine`;
  if (Math.abs(aheadMs) <= MAX_SKEW_MS) return ok(name, text);
  return failed(
    name,
    text,
    'Synchronize the clocks of all machines with NTP. Endpoints reject signatures that are minutes off.',
  );
}

/** The code of a connection error, or its message without the URL. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError && error.errors[0] !== undefined) return reasonOf(error.errors[0]);
  return error.message;
}
