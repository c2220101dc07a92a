import type pg from 'pg';

/** How long what happened in each minute is known: two days, and as long again as the longest time that is told by minutes. */
const MINUTES_KEPT_DAYS = 3;
/** How long what happened in each hour is known at least: 30 days, and the 30 before them to compare with. */
const HOURS_KEPT_DAYS = 63;

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Rows that one statement deletes. */
const DROPPED_AT_ONCE = 5_000;

/** Lets statistics go by their age, so many at a time; hours stay as long as what they count. Returns how many rows went. Ends
 *  soon after `signal`. Leans on stats_width_at_idx. */
export async function dropOldStats(
  client: pg.ClientBase,
  { at, retentionDays }: { at: Date; retentionDays: number },
  signal: AbortSignal,
): Promise<number> {
  const keptDays = { minute: MINUTES_KEPT_DAYS, hour: Math.max(retentionDays, HOURS_KEPT_DAYS) };
  let count = 0;
  for (const [width, days] of Object.entries(keptDays)) {
    const until = new Date(at.getTime() - days * DAY_MS);
    for (let dropped = DROPPED_AT_ONCE; dropped === DROPPED_AT_ONCE && !signal.aborted; count += dropped) {
      const { rowCount } = await client.query(
        `DELETE FROM stats WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM stats WHERE width = $1::stat_width AND at < $2 LIMIT ${DROPPED_AT_ONCE}
         ))`,
        [width, until],
      );
      dropped = rowCount ?? 0;
    }
  }
  return count;
}
