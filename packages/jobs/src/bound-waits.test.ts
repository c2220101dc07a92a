import { describe, expect, it } from 'vitest';
import { boundWaits } from './bound-waits.js';

const never = <T>(): Promise<T> => new Promise(() => {});
const found = { member: '0', score: 0 };

describe('limits of a worker’s waits', () => {
  it('regression: a wait that never ends is over after its time and the margin', async () => {
    const waits = { waitForJob: () => never<typeof found | null>(), reconnectBlocking: () => never<void>() };
    boundWaits(waits, 1);
    expect(await waits.waitForJob()).toBeNull();
    expect(await waits.reconnectBlocking()).toBeUndefined();
  });

  it('returns what ends in time, and its error', async () => {
    const waits = {
      waitForJob: () => Promise.resolve<typeof found | null>(found),
      reconnectBlocking: () => Promise.reject<void>(new Error('closed')),
    };
    boundWaits(waits, 60_000);
    expect(await waits.waitForJob()).toEqual(found);
    await expect(waits.reconnectBlocking()).rejects.toThrow('closed');
  });
});
