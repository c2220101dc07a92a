import type pg from 'pg';

// Workers split shared work by account into shards. One process at a time works on a shard and holds its lock until its
// transaction ends. A busy account thus delays only its own shard.

const SHARD_COUNT = 16;

/** All shards, as numbered by posthorn_shard(). */
export const SHARDS: readonly number[] = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);

/** Locks those shards that are free until the transaction of `client`, or the process, ends. Returns them.
 *  `lockClass` names the kind of work and is the first advisory lock key. It needs its own statement: the next one
 *  must see what the previous holder committed. */
export async function lockShards(
  client: pg.ClientBase,
  { lockClass, shards }: { lockClass: number; shards: readonly number[] },
): Promise<number[]> {
  const { rows } = await client.query<{ shard: number }>({
    name: 'lock-shards',
    text: 'SELECT shard FROM unnest($2::int[]) AS s (shard) WHERE pg_try_advisory_xact_lock($1, shard)',
    values: [lockClass, shards],
  });
  return rows.map(({ shard }) => shard);
}

/** Returns the shards in random order, so that processes start with different ones. */
export function shuffled(shards: readonly number[]): number[] {
  return shards
    .map((shard) => ({ shard, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ shard }) => shard);
}
