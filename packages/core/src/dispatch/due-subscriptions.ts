import type pg from 'pg';
import { SHARDS } from '../shards.js';

// The table due_subscriptions says when the dispatcher must look at a subscription. Entries are inserted and deleted,
// never updated:
//
//   inserted by  when                                            due
//   triggers     a statement wrote pending deliveries            when the first of their leases ends, or without
//                                                                a lease when the attempt is due; no entry if
//                                                                an existing one is early enough
//   a trigger    a circuit closes or half-opens earlier  then
//   a look       deliveries wait for capacity, a turn or a probe when it may be available
//                others are due later                            when the first of them is due
//
// A look deletes the entries that it sees and reads the deliveries, in one statement. An entry is committed together
// with its deliveries, so a look that sees the entry sees them too. Thus no delivery is missed and nothing waits for a
// lock. A look that finds nothing is cheap, so early entries do no harm.
//
// All entries of an account are in one shard. One process at a time looks at a shard and holds its lock (lease-due.ts).

// One index probe per shard.
const FIND = `
SELECT s.shard, e.due_at <= now() AS "isDue"
FROM unnest($1::smallint[]) AS s (shard)
CROSS JOIN LATERAL (SELECT due_at FROM due_subscriptions WHERE shard = s.shard ORDER BY due_at LIMIT 1) e
WHERE e.due_at <= now() + interval '1 second'`;

export interface DueShards {
  /** Shards with a subscription that is due for a look. */
  due: number[];
  /** A subscription is due for a look within a second. */
  isAnySoon: boolean;
}

export async function findDueShards(pool: pg.Pool): Promise<DueShards> {
  const { rows } = await pool.query<{ shard: number; isDue: boolean }>({
    name: 'find-due-shards',
    text: FIND,
    values: [SHARDS],
  });
  return { due: rows.filter(({ isDue }) => isDue).map(({ shard }) => shard), isAnySoon: rows.length > 0 };
}
