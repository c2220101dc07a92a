import type pg from 'pg';
import { lookUp } from '../look-up.js';

const AT_ONCE = 10_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** Ends all leases after the queue lost its jobs: the dispatcher enqueues each attempt when it is due, not after its
 *  lease.
 *  The queue ignores ids that it still has. Returns how many leases ended. Reads pending_deliveries once, in key
 *  order. */
export async function reclaim(pool: pg.Pool): Promise<number> {
  let reclaimed = 0;
  let position: string | null = FIRST_ID;
  while (position !== null) {
    const step: Step | undefined = (await pool.query<Step>(RECLAIM, [position])).rows[0];
    position = step?.position ?? null;
    reclaimed += step?.count ?? 0;
  }
  await pool.query('UPDATE verifications SET leased_until = now() WHERE leased_until > now()');
  return reclaimed;
}

interface Step {
  /** Where the next step starts; null: this was the last one. */
  position: string | null;
  count: number;
}

// A finished delivery with a requested attempt has no `due_at`, so its lease ends now.
const RECLAIM = `
WITH scanned AS MATERIALIZED (
  SELECT id, leased_until FROM pending_deliveries WHERE id > $1 ORDER BY id LIMIT ${AT_ONCE}
),
reclaimed AS (
  UPDATE pending_deliveries SET leased_until = CASE WHEN due_at IS NULL THEN now() END WHERE id = ANY (ARRAY(
    SELECT d.id FROM scanned l JOIN pending_deliveries d ON ${lookUp('d.id', 'l.id')} WHERE l.leased_until > now() FOR UPDATE OF d SKIP LOCKED
  ))
  RETURNING id
)
SELECT (SELECT id FROM scanned ORDER BY id OFFSET ${AT_ONCE - 1} LIMIT 1) AS position, (SELECT count(*)::int FROM reclaimed) AS count`;
