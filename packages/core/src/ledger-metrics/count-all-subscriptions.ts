import type pg from 'pg';
import { inTransaction } from '../database.js';
import type { SubscriptionStatus } from '../generated/prisma/client.js';
import { TIMEOUT_MS } from './read-ledger-metrics.js';

export interface SubscriptionCounts {
  /** Subscriptions that are not deleted. */
  subscriptions: Record<SubscriptionStatus, number>;
  /** Circuits of active subscriptions that are not closed. */
  circuits: { open: number; halfOpen: number };
}

const COUNT = `
SELECT status, count(*)::int AS count,
  count(*) FILTER (WHERE status = 'active' AND circuit_open_until > now())::int AS open,
  count(*) FILTER (WHERE status = 'active' AND circuit_open_until <= now())::int AS "halfOpen"
FROM subscriptions WHERE deleted_at IS NULL GROUP BY status`;

/** Counts the subscriptions of all accounts. It reads the whole table, which takes about 60 ms of CPU for 100,000
 *  subscriptions, so call it rarely. Throws if the database is unavailable or takes longer than TIMEOUT_MS. */
export async function countAllSubscriptions(pool: pg.Pool): Promise<SubscriptionCounts> {
  return inTransaction(pool, async (client) => {
    await client.query(`SET LOCAL statement_timeout = ${TIMEOUT_MS}`);
    // This is the only statement that reads a whole table.
    await client.query('SET LOCAL enable_seqscan = on');
    const { rows } = await client.query<{ status: SubscriptionStatus; count: number; open: number; halfOpen: number }>(
      COUNT,
    );
    const subscriptions = { unverified: 0, active: 0, paused: 0, disabled: 0 };
    const circuits = { open: 0, halfOpen: 0 };
    for (const { status, count, open, halfOpen } of rows) {
      subscriptions[status] = count;
      circuits.open += open;
      circuits.halfOpen += halfOpen;
    }
    return { subscriptions, circuits };
  });
}
