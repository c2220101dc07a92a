import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '@posthorn/testing';
import { describe, expect, it } from 'vitest';
import { openConcurrencyLimiter, type Slot } from './concurrency-limiter.js';

const SLOW_AFTER_MS = 20;
/** Waits for the condition, however busy the machine is. */
const untilSlow = (limiter: ReturnType<typeof openConcurrencyLimiter>, id: string) =>
  waitFor(() => limiter.capacityOf(id) !== null);
/** Ends one attempt of each subscription. */
const know = async (limiter: ReturnType<typeof openConcurrencyLimiter>, ...ids: string[]) => {
  for (const id of ids) (await limiter.acquire(id))?.release();
};
const granted = async (requests: Promise<Slot | null>[]) =>
  (await Promise.all(requests)).filter((slot) => slot !== null);
const acquireAll = (limiter: ReturnType<typeof openConcurrencyLimiter>, id: string, count: number) =>
  granted(Array.from({ length: count }, () => limiter.acquire(id)));

describe('concurrency limiter', () => {
  it('never gives one subscription all slots: another one gets a slot at once', async () => {
    const limiter = openConcurrencyLimiter({ slots: 100, slowAfterMs: 10_000 });
    await know(limiter, 'a');
    for (let count = 0; count < 60; count += 1) void limiter.acquire('a');
    expect(limiter.inFlight('a')).toBe(34);
    expect(await limiter.acquire('b')).not.toBeNull();
  });

  it('grants a waiting request when a slot is released; when the subscription becomes slow, grants as many as have room and refuses the others', async () => {
    const limiter = openConcurrencyLimiter({ slots: 2, slowAfterMs: 10_000 });
    const first = await limiter.acquire('a');
    const second = limiter.acquire('a');
    first?.release();
    expect(await second).not.toBeNull();

    const soonSlow = openConcurrencyLimiter({ slots: 2, slowAfterMs: SLOW_AFTER_MS });
    await know(soonSlow, 'a');
    const slots = await acquireAll(soonSlow, 'a', 8);
    // Attempts that become slow make room for waiting ones, until the share of slow attempts is full as well.
    expect(slots.length).toBeLessThan(8);
  });

  it('regression: never refuses a request for a quick endpoint, however many requests wait', async () => {
    const limiter = openConcurrencyLimiter({ slots: 2, slowAfterMs: 100 });
    let posted = 0;
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        const slot = await limiter.acquire('a');
        await pause(5);
        if (slot) posted += 1;
        slot?.release();
      }),
    );
    expect(posted).toBe(60);
  });

  it('regression: does not count an endpoint as slow because our own process is busy', async () => {
    const limiter = openConcurrencyLimiter({ slots: 10, slowAfterMs: SLOW_AFTER_MS });
    const slot = await limiter.acquire('a');
    for (const from = performance.now(); performance.now() - from < 10 * SLOW_AFTER_MS;);
    // The response is read after the timer.
    await new Promise((resolve) => setTimeout(resolve));
    slot?.release();
    await limiter.acquire('a');
    expect(limiter.capacityOf('a')).toBeNull();
  });

  it('leaves room beside a hundred hanging endpoints: slow attempts have their own slots, and never all of them', async () => {
    let extra = 0;
    const limiter = openConcurrencyLimiter({
      slots: 200,
      slowAfterMs: SLOW_AFTER_MS,
      onExtra: (count) => (extra = count),
    });
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 100 }, (_, n) => limiter.acquire(`hangs-${n}`)));
      await waitFor(() => extra >= 100);
    }
    expect(extra).toBeGreaterThanOrEqual(100);
    expect(extra).toBeLessThanOrEqual(200);
    expect(limiter.inFlight('hangs-0')).toBeLessThan(5);
    expect(await limiter.acquire('healthy')).not.toBeNull();
  });

  it('counts the next attempt of a subscription as slow from the start while one of its attempts hangs', async () => {
    let extra = 0;
    const limiter = openConcurrencyLimiter({
      slots: 10,
      slowAfterMs: SLOW_AFTER_MS,
      onExtra: (count) => (extra = count),
    });
    await know(limiter, 'hangs');
    const hanging = await limiter.acquire('hangs');
    await untilSlow(limiter, 'hangs');
    const next = await limiter.acquire('hangs');
    expect(extra).toBe(2);
    hanging?.release();
    next?.release();
    await acquireAll(limiter, 'hangs', 1);
    expect(extra).toBe(0);
  });

  it('counts an attempt as slow after a slow one, and as fresh after a quick one', async () => {
    let extra = 0;
    const limiter = openConcurrencyLimiter({
      slots: 10,
      slowAfterMs: SLOW_AFTER_MS,
      onExtra: (count) => (extra = count),
    });
    const slow = await limiter.acquire('a');
    await untilSlow(limiter, 'a');
    slow?.release();
    expect(extra).toBe(0);
    const next = await limiter.acquire('a');
    expect(extra).toBe(1);
    next?.release();
    void limiter.acquire('a');
    expect(extra).toBe(0);
  });

  it('counts waiting requests and fresh attempts beyond the slots as extra, so that the process always takes the next job', async () => {
    let extra = 0;
    const limiter = openConcurrencyLimiter({ slots: 4, slowAfterMs: 10_000, onExtra: (count) => (extra = count) });
    await know(limiter, 'a');
    const slots = await acquireAll(limiter, 'a', 2);
    const waiting = limiter.acquire('a');
    expect(extra).toBe(1);
    for (const id of ['b', 'c', 'd', 'e']) void limiter.acquire(id);
    expect(extra).toBe(3);
    for (const slot of slots) slot.release();
    expect(await waiting).not.toBeNull();
    expect(extra).toBe(1);
  });

  it('has no lower capacity while nothing is slow; then the number in flight, or twice the number that is not late', async () => {
    const limiter = openConcurrencyLimiter({ slots: 100, slowAfterMs: SLOW_AFTER_MS });
    await know(limiter, 'a');
    void limiter.acquire('a');
    expect(limiter.capacityOf('a')).toBeNull();
    await untilSlow(limiter, 'a');
    expect(limiter.capacityOf('a')).toBe(1);
    const quick = await acquireAll(limiter, 'a', 3);
    expect(limiter.capacityOf('a')).toBe(6);
    for (const slot of quick) slot.release();
    expect(limiter.capacityOf('a')).toBe(1);
  });

  it('gives an unknown subscription one slot, and more when that attempt has ended or is slow', async () => {
    const limiter = openConcurrencyLimiter({ slots: 100, slowAfterMs: 10_000 });
    const first = await limiter.acquire('a');
    const others = acquireAll(limiter, 'a', 5);
    expect(limiter.inFlight('a')).toBe(1);
    first?.release();
    expect(await others).toHaveLength(5);

    // A new worker must not give an endpoint that takes a second per attempt one slot and lower its capacity to one.
    const soonSlow = openConcurrencyLimiter({ slots: 100, slowAfterMs: SLOW_AFTER_MS });
    expect(await acquireAll(soonSlow, 'slow', 5)).toHaveLength(5);
  });

  it('gives a hundred unknown hanging endpoints one or two slots each, and refuses the other requests at once', async () => {
    const limiter = openConcurrencyLimiter({ slots: 100, slowAfterMs: SLOW_AFTER_MS });
    const ids = Array.from({ length: 100 }, (_, n) => `hangs-${n}`);
    const slots = await granted(ids.flatMap((id) => Array.from({ length: 5 }, () => limiter.acquire(id))));
    expect(slots.length).toBeGreaterThanOrEqual(100);
    expect(slots.length).toBeLessThan(220);
    expect(limiter.capacityOf('hangs-99')).toBe(1);
  });

  it('delays the attempt after a slow one by up to a tenth of its duration', async () => {
    const limiter = openConcurrencyLimiter({ slots: 100, slowAfterMs: SLOW_AFTER_MS, random: () => 1 });
    const slow = await limiter.acquire('a');
    await pause(300);
    slow?.release();
    const from = performance.now();
    const next = await limiter.acquire('a');
    expect(performance.now() - from).toBeGreaterThan(25);
    // The delay is not part of the endpoint's time, so it was quick now.
    next?.release();
    await limiter.acquire('a');
    expect(limiter.capacityOf('a')).toBeNull();
  });

  it('leaks no slot, fresh or slow', async () => {
    let extra = -1;
    const limiter = openConcurrencyLimiter({
      slots: 10,
      slowAfterMs: SLOW_AFTER_MS,
      onExtra: (count) => (extra = count),
    });
    await know(limiter, 'a', 'b');
    const slots = await acquireAll(limiter, 'a', 5);
    await untilSlow(limiter, 'a');
    for (const slot of slots) slot.release();
    expect(extra).toBe(0);
    expect(limiter.inFlight('a')).toBe(0);
    expect(await acquireAll(limiter, 'b', 5)).toHaveLength(slots.length);
  });

  it('gives a slot at once to an attempt that a person waits for', async () => {
    const limiter = openConcurrencyLimiter({ slots: 2, slowAfterMs: 10_000 });
    void limiter.acquire('a');
    expect(limiter.acquireNow('a')).toBeDefined();
    expect(limiter.inFlight('a')).toBe(2);
  });
});
