import type pg from 'pg';
import type { DeliveryStatus } from '../generated/prisma/client.js';
import { isOfEvent } from '../delivery-tables.js';

export type DeliveryCounts = Record<DeliveryStatus, number>;

/** Counts the deliveries of some events of an account by status, in one statement and in the order of the ids. Uses
 *  the keys of both tables. */
export async function countDeliveries(
  pool: pg.Pool,
  { accountId, eventIds }: { accountId: string; eventIds: string[] },
): Promise<DeliveryCounts[]> {
  const { rows } = await pool.query<{ id: string; status: DeliveryStatus; count: number }>({
    name: 'count-deliveries',
    text: `SELECT e.id, d.status, count(*)::int AS count FROM unnest($2::uuid[]) AS e (id)
      CROSS JOIN LATERAL (SELECT d.status FROM deliveries d WHERE ${isOfEvent('e.id')} AND d.account_id = $1 OFFSET 0) d
      GROUP BY e.id, d.status`,
    values: [accountId, eventIds],
  });
  const byId = new Map(eventIds.map((id) => [id, { pending: 0, held: 0, succeeded: 0, failed: 0, canceled: 0 }]));
  for (const { id, status, count } of rows) {
    const counts = byId.get(id);
    if (counts) counts[status] = count;
  }
  return [...byId.values()];
}
