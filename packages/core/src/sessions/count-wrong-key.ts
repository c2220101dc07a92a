import type { Deps } from '../deps.js';

// The row of a caller is locked while it is counted, so many guesses at once are no more than one after the other.
const COUNT = `
INSERT INTO login_limits AS l (caller, count, since) VALUES ($1, 1, now())
ON CONFLICT (caller) DO UPDATE SET
  count = CASE WHEN l.since <= now() - interval '1 minute' THEN 1 ELSE least(l.count + 1, 1000000) END,
  since = CASE WHEN l.since <= now() - interval '1 minute' THEN now() ELSE l.since END
RETURNING l.count, greatest(1, ceil(extract(epoch FROM l.since + interval '1 minute' - now())))::int AS "retryAfterSeconds"`;

interface Counted {
  count: number;
  retryAfterSeconds: number;
}

/** Counts a wrong key of this caller, over all API processes. Returns 0 for the first `most` of a minute, then the seconds
 *  until the next minute. Only wrong keys are counted, and each caller alone: nobody can keep another one out. */
export async function countWrongKey({ db }: Pick<Deps, 'db'>, caller: string, most: number): Promise<number> {
  const { rows } = await db.pool.query<Counted>(COUNT, [caller]);
  const { count, retryAfterSeconds } = rows[0] ?? { count: 0, retryAfterSeconds: 0 };
  // A caller that is new makes room: the table has the callers of two minutes.
  if (count === 1) await db.pool.query(`DELETE FROM login_limits WHERE since < now() - interval '2 minutes'`);
  return count > most ? retryAfterSeconds : 0;
}
