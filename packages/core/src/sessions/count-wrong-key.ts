import type { Deps } from '../deps.js';

// The caller's row is locked while it is counted, so concurrent guesses count one after the other.
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

/** Counts a wrong key of this caller over all API processes. Returns 0 for the first `most` per minute, then the
 *  seconds until the next minute. Only wrong keys count, per caller, so nobody can lock out another caller. */
export async function countWrongKey({ db }: Pick<Deps, 'db'>, caller: string, most: number): Promise<number> {
  const { rows } = await db.pool.query<Counted>(COUNT, [caller]);
  const { count, retryAfterSeconds } = rows[0] ?? { count: 0, retryAfterSeconds: 0 };
  // A new caller triggers the cleanup: the table has the callers of two minutes.
  if (count === 1) await db.pool.query(`DELETE FROM login_limits WHERE since < now() - interval '2 minutes'`);
  return count > most ? retryAfterSeconds : 0;
}
