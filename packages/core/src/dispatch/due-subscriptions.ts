import type pg from 'pg';
import { SHARDS } from '../shards.js';

// The table due_subscriptions says when the dispatcher has to look at a subscription. An entry is added and taken, never changed:
//
//   added by   what                                            due
//   triggers   a statement wrote deliveries that are owed      when the first of their leases ends, or without a lease when its
//                                                              attempt is due; none if an entry is early enough
//   a trigger  a circuit breaker closes, or half-opens earlier then
//   a look     deliveries wait for capacity, a turn or a probe when that may have come
//              others are owed later                           when the first of them is to be looked at
//
// A look takes the entries that it sees and looks at the deliveries, in one statement. An entry is committed with the deliveries that it
// was added for, so whoever sees it sees them: nothing that is committed meanwhile is forgotten, and nobody waits for a lock. A look
// that finds nothing new is cheap, so an entry that came too early does no harm.
//
// The entries of an account are in one shard. Each shard is looked at by one process at a time, which holds its lock (lease-due.ts).

// One index probe for each shard.
const FIND = `
SELECT s.shard, e.due_at <= now() AS "isDue"
FROM unnest($1::smallint[]) AS s (shard)
CROSS JOIN LATERAL (SELECT due_at FROM due_subscriptions WHERE shard = s.shard ORDER BY due_at LIMIT 1) e
WHERE e.due_at <= now() + interval '1 second'`;

export interface DueShards {
  /** Those with a subscription that has to be looked at. */
  due: number[];
  /** There is one that has to be looked at within a second. */
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
