import type { Deps } from '../deps.js';

export interface LoginLimits {
  /** Failed logins a minute, of one caller. */
  ofCaller: number;
  /** And of all callers together. */
  ofAll: number;
}

const ALL = '';

// Counted before the key is looked at, so that many guesses at once are no more than one after the other. The caller's row is
// locked before that of all, by everybody, so nobody waits in a circle.
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

/** Counts a login against the limits of this minute, which all API processes share. Returns how many seconds the caller has to
 *  wait, also with the right key (else guessing would only be slower); 0: the key may be looked at. */
export async function countLogin({ db }: Pick<Deps, 'db'>, caller: string, limits: LoginLimits): Promise<number> {
  await db.pool.query(`DELETE FROM login_limits WHERE since < now() - interval '10 minutes' AND caller <> $1`, [ALL]);
  const own = await count(db, caller);
  if (own.count > limits.ofCaller) return own.retryAfterSeconds;
  const all = await count(db, ALL);
  return all.count > limits.ofAll ? all.retryAfterSeconds : 0;
}

async function count({ pool }: Pick<Deps['db'], 'pool'>, caller: string): Promise<Counted> {
  const { rows } = await pool.query<Counted>(COUNT, [caller]);
  return rows[0] ?? { count: 0, retryAfterSeconds: 0 };
}

/** A login that was right counts against nobody; those before it still do, or whoever has some key could guess another one. */
export async function forgiveLogin({ db }: Pick<Deps, 'db'>, caller: string): Promise<void> {
  for (const one of [caller, ALL]) {
    await db.pool.query('UPDATE login_limits SET count = count - 1 WHERE caller = $1 AND count > 0', [one]);
  }
}
