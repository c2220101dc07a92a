import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { shardOf } from './shards.js';

it('assigns a job always to the same shard, and spreads jobs evenly over all', () => {
  expect(shardOf('dlv_01h455vb4pex5vsknk084sn02q-3', 8)).toBe(shardOf('dlv_01h455vb4pex5vsknk084sn02q-3', 8));
  for (const shards of [1, 3, 8, 64]) {
    const counts = Array<number>(shards).fill(0);
    for (let n = 0; n < shards * 1_000; n += 1) {
      const shard = shardOf(`group-${randomUUID()}`, shards);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    // 1,000 jobs per shard; a fifth more or less is seven standard deviations.
    expect(counts.every((count) => count > 790 && count < 1_210)).toBe(true);
  }
});
