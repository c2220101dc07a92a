import { describe, expect, it } from 'vitest';
import { shareResult } from './share-result.js';

function counter(maxAgeMs: number) {
  const clock = { now: 0 };
  const state = { runs: 0, fails: false };
  const read = shareResult(
    async () => {
      state.runs += 1;
      await Promise.resolve();
      if (state.fails) throw new Error('away');
      return state.runs;
    },
    { maxAgeMs, now: () => clock.now },
  );
  return { clock, state, read };
}

describe('shareResult', () => {
  it('runs once for concurrent calls', async () => {
    const { read, state } = counter(0);
    expect(await Promise.all(Array.from({ length: 50 }, read))).toEqual(Array.from({ length: 50 }, () => 1));
    expect(state.runs).toBe(1);
  });

  it('returns the last result until it is maxAgeMs old', async () => {
    const { read, clock } = counter(1_000);
    expect(await read()).toBe(1);
    clock.now = 999;
    expect(await read()).toBe(1);
    clock.now = 1_000;
    expect(await read()).toBe(2);
  });

  it('rejects all waiting calls on a failure and does not cache it', async () => {
    const { read, state } = counter(1_000);
    state.fails = true;
    const failed = await Promise.allSettled([read(), read()]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    state.fails = false;
    expect(await read()).toBe(2);
  });
});
