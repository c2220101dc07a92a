import type pg from 'pg';

/** Returns which of these events of an account are still expanding. Uses the key of fan_outs. */
export async function findExpanding(
  pool: pg.Pool,
  { accountId, eventIds }: { accountId: string; eventIds: string[] },
): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string }>({
    name: 'find-expanding',
    text: `SELECT event_id AS id FROM fan_outs WHERE event_id = ANY ($2::uuid[]) AND account_id = $1 AND completed_at IS NULL`,
    values: [accountId, eventIds],
  });
  return new Set(rows.map(({ id }) => id));
}

/** SQL: the event `event` has deliveries that are not written yet. Uses the key of fan_outs. */
export const isExpanding = (event: string): string =>
  `EXISTS (SELECT FROM fan_outs f WHERE f.event_id = ${event} AND f.completed_at IS NULL)`;
