import type pg from 'pg';
import type { Replay } from '../generated/prisma/client.js';

/** Counts of a replay's deliveries. */
export interface Tally {
  delivered: number;
  /** Failed or canceled. */
  failed: number;
  /** Pending or held. */
  pending: number;
}

/** SQL: the tally of the deliveries `d`. */
export const TALLY = `
  count(*) FILTER (WHERE d.status = 'succeeded')::int AS delivered,
  count(*) FILTER (WHERE d.status IN ('failed', 'canceled'))::int AS failed,
  count(*) FILTER (WHERE d.status IN ('pending', 'held'))::int AS pending`;

/** Up to this many queued deliveries, a request counts them itself. A larger replay shows the last tally of the workers. */
export const COUNTED_AT_ONCE = 2_000;

export const isCountedNow = ({ settledAt, queued }: Pick<Replay, 'settledAt' | 'queued'>): boolean =>
  settledAt === null && queued <= COUNTED_AT_ONCE;

// Uses the indexes by replay of both tables. One statement, so a delivery that moves between them is counted once.
const READ = `
SELECT r.id, ${TALLY}
FROM unnest($1::uuid[]) AS r (id) LEFT JOIN LATERAL (
  (SELECT status FROM pending_deliveries WHERE replay_id = r.id LIMIT $2)
  UNION ALL
  (SELECT status FROM finished_deliveries WHERE replay_id = r.id LIMIT $2)
) d ON true
GROUP BY r.id`;

/** Returns the tallies of these replays, by id. Reads at most `limit` deliveries of each table per replay. */
export async function readTallies(
  pool: pg.Pool,
  { ids, limit }: { ids: string[]; limit: number },
): Promise<Map<string, Tally>> {
  const { rows } = await pool.query<Tally & { id: string }>({ name: 'read-tallies', text: READ, values: [ids, limit] });
  return new Map(rows.map(({ id, ...tally }) => [id, tally]));
}
