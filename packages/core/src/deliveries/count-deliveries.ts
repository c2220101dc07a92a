import type pg from 'pg';
import type { DeliveryStatus } from '../generated/prisma/client.js';

export type DeliveryCounts = Record<DeliveryStatus, number>;

/** How the deliveries of some events of an account stand, in one statement; in the order of the ids. Uses
 *  deliveries_event_id_idx; the account is no condition of an index, or Postgres could count among all that it has. */
export async function countDeliveries(
  pool: pg.Pool,
  { accountId, eventIds }: { accountId: string; eventIds: string[] },
): Promise<DeliveryCounts[]> {
  const { rows } = await pool.query<{ id: string; status: DeliveryStatus; count: number }>({
    name: 'count-deliveries',
    text: `SELECT event_id AS id, status, count(*)::int AS count FROM deliveries
      WHERE event_id = ANY ($2::uuid[]) AND (account_id = $1) IS TRUE GROUP BY event_id, status`,
    values: [accountId, eventIds],
  });
  const byId = new Map(eventIds.map((id) => [id, { pending: 0, held: 0, succeeded: 0, failed: 0, canceled: 0 }]));
  for (const { id, status, count } of rows) {
    const counts = byId.get(id);
    if (counts) counts[status] = count;
  }
  return [...byId.values()];
}
