import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { openBatch } from './batch.js';

const double = (items: number[]) => Promise.resolve(items.map((item) => item * 2));

describe('batch', () => {
  it('concurrent calls share one run, and each gets its own result', async () => {
    const sizes: number[] = [];
    const batch = openBatch({ run: double, maxSize: 100, maxRuns: 1, observe: (size) => sizes.push(size) });
    const results = await Promise.all(Array.from({ length: 50 }, (_, index) => batch.add(index)));
    expect(results).toEqual(Array.from({ length: 50 }, (_, index) => index * 2));
    expect(sizes).toEqual([50]);
  });

  it('calls during full runs wait and share the next run', async () => {
    const runs: number[][] = [];
    const gates: (() => void)[] = [];
    const batch = openBatch<number, number>({
      maxSize: 100,
      maxRuns: 1,
      async run(items) {
        runs.push(items);
        await new Promise<void>((resolve) => gates.push(resolve));
        return items;
      },
    });
    const first = batch.add(1);
    await new Promise((resolve) => setImmediate(resolve));
    const others = [batch.add(2), batch.add(3)];
    await new Promise((resolve) => setImmediate(resolve));
    expect(runs).toEqual([[1]]);
    gates[0]?.();
    await first;
    await vi.waitFor(() => expect(gates).toHaveLength(2));
    gates[1]?.();
    expect(await Promise.all(others)).toEqual([2, 3]);
    expect(runs).toEqual([[1], [2, 3]]);
  });

  it('an invalid item fails alone; the others of its run get their results', async () => {
    const batch = openBatch<number, number>({
      maxSize: 500,
      maxRuns: 2,
      run: (items) => (items.includes(13) ? Promise.reject(new Error('poisoned')) : double(items)),
    });
    const results = await Promise.allSettled(Array.from({ length: 501 }, (_, index) => batch.add(index)));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(results[13]).toMatchObject({ status: 'rejected', reason: { message: 'poisoned' } });
    expect(results[500]).toMatchObject({ value: 1_000 });
  });

  it.each([
    ['is unavailable', 'ECONNREFUSED'],
    ['times out', '57014'],
  ])('rejects all items of a run if the database %s, without running each alone', async (_, code) => {
    let runs = 0;
    const batch = openBatch<number, number>({
      maxSize: 500,
      maxRuns: 1,
      run() {
        runs += 1;
        return Promise.reject(Object.assign(new Error('made up'), { code }));
      },
    });
    const results = await Promise.allSettled([1, 2, 3].map((item) => batch.add(item)));
    expect(results.every((result) => result.status === 'rejected' && result.reason.code === code)).toBe(true);
    expect(runs).toBe(1);
  });

  it.each([
    ['becomes unavailable', 'ECONNREFUSED'],
    ['times out', '57014'],
    ['finds a deadlock again', '40P01'],
  ])('stops running items alone when the database %s', async (_, code) => {
    const runs: number[][] = [];
    const batch = openBatch<number, number>({
      maxSize: 500,
      maxRuns: 1,
      run(items) {
        runs.push(items);
        if (items.length > 1) return Promise.reject(Object.assign(new Error('made up'), { code: '40P01' }));
        return items[0] === 2 ? Promise.reject(Object.assign(new Error('made up'), { code })) : double(items);
      },
    });
    const results = await Promise.allSettled([1, 2, 3, 4].map((item) => batch.add(item)));
    expect(runs).toEqual([[1, 2, 3, 4], [1], [2]]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
  });

  it('respects the maximum number and weight of items, and runs a heavier item alone', async () => {
    const runs: number[][] = [];
    const batch = openBatch<number, number>({
      maxSize: 3,
      maxRuns: 1,
      weigh: (item) => item,
      maxWeight: 10,
      run(items) {
        runs.push(items);
        return double(items);
      },
    });
    await Promise.all([4, 4, 4, 1, 1, 1, 1, 50, 2].map((item) => batch.add(item)));
    expect(runs).toEqual([[4, 4], [4, 1, 1], [1, 1], [50], [2]]);
  });

  it('reserves a run without heavy items, so that other items never wait for them', async () => {
    const runs: string[][] = [];
    const gates = new Map<string, () => void>();
    const batch = openBatch<string, string>({
      maxSize: 2,
      maxRuns: 2,
      isHeavy: (item) => item.startsWith('heavy'),
      async run(items) {
        runs.push(items);
        await new Promise<void>((resolve) => gates.set(items[0] ?? '', resolve));
        return items;
      },
    });
    const heavy = ['heavy 1', 'heavy 2', 'heavy 3'].map((item) => batch.add(item));
    const light = ['light 1', 'light 2', 'light 3'].map((item) => batch.add(item));
    await vi.waitFor(() => expect(gates.size).toBe(2));
    expect(runs).toEqual([
      ['heavy 1', 'heavy 2'],
      ['light 1', 'light 2'],
    ]);
    gates.get('light 1')?.();
    await Promise.all(light.slice(0, 2));
    await vi.waitFor(() => expect(gates.has('light 3')).toBe(true));
    gates.get('light 3')?.();
    await light[2];
    expect(runs.at(-1)).toEqual(['light 3']);
    gates.get('heavy 1')?.();
    await vi.waitFor(() => expect(gates.has('heavy 3')).toBe(true));
    gates.get('heavy 3')?.();
    expect(await Promise.all(heavy)).toEqual(['heavy 1', 'heavy 2', 'heavy 3']);
    await batch.drain();
  });

  it('drain resolves when all added items have a result', async () => {
    const batch = openBatch({ run: double, maxSize: 1, maxRuns: 1 });
    let done = 0;
    for (let item = 0; item < 5; item += 1) void batch.add(item).then(() => (done += 1));
    await batch.drain();
    expect(done).toBe(5);
    await batch.drain();
  });

  it('property: under random failures every call gets its own result or its own error, once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean())), async (items) => {
        const batch = openBatch<{ value: number; isBad: boolean }, number>({
          maxSize: 4,
          maxRuns: 2,
          async run(batched) {
            await Promise.resolve();
            if (batched.some(({ isBad }) => isBad)) throw new Error('bad');
            return batched.map(({ value }) => value);
          },
        });
        const results = await Promise.allSettled(items.map(([value, isBad]) => batch.add({ value, isBad })));
        expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'bad'))).toEqual(
          items.map(([value, isBad]) => (isBad ? 'bad' : value)),
        );
      }),
    );
  });
});
