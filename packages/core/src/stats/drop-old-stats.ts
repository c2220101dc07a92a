import type pg from 'pg';
import { deleteInSteps } from '../delete-in-steps.js';

/** Minutes are kept for two days plus the longest period that is shown by minutes. */
const MINUTES_KEPT_DAYS = 3;
/** Hours are kept for at least 30 days plus the 30 days before, for comparison. */
const HOURS_KEPT_DAYS = 63;

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Deletes old statistics, a few rows at a time; hours are kept as long as what they count. Returns how many. Ends
 *  soon after `signal`. Uses stats_width_at_idx. */
export async function dropOldStats(
  client: pg.ClientBase,
  { at, retentionDays }: { at: Date; retentionDays: number },
  signal: AbortSignal,
): Promise<number> {
  const keptDays = { minute: MINUTES_KEPT_DAYS, hour: Math.max(retentionDays, HOURS_KEPT_DAYS) };
  let count = 0;
  for (const [width, days] of Object.entries(keptDays)) {
    const until = new Date(at.getTime() - days * DAY_MS);
    const where = 'width = $1::stat_width AND at < $2';
    count += await deleteInSteps(client, { table: 'stats', where, values: [width, until] }, signal);
  }
  return count;
}
