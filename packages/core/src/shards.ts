import type pg from 'pg';

// Work that all workers share is split by account into shards. One process at a time works at a shard: it holds the shard's lock until its
// transaction ends. So a busy account delays no shard but its own.

const SHARD_COUNT = 16;

/** All shards: as posthorn_shard() numbers them. */
export const SHARDS: readonly number[] = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);

/** Locks those of the shards that nobody has locked, until the transaction of `client` ends, or the process. Returns them. `lockClass` names
 *  the work: the first of two advisory lock keys. It is a statement of its own: the next one must see what the holder before has
 *  committed. */
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

/** In any order, so that several processes begin with different ones. */
export function shuffled(shards: readonly number[]): number[] {
  return shards
    .map((shard) => ({ shard, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ shard }) => shard);
}
