import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { IDLE, openTestApi, type TestApi } from '../api.test-support.js';
import { openDepthRecorder } from '../depth-recorder.js';

let api: TestApi;
const queues = { ...IDLE, deliver: { ...IDLE.deliver, waiting: 999_999_999_000, prioritized: 999 } };
beforeAll(async () => void (api = await openTestApi({ readQueues: async () => queues })));
afterAll(() => api.close());
beforeEach(() => api.deps.db.pool.query('TRUNCATE queue_depths'));

const read = (query = '') => api.call('GET', `/v1/queues/depths${query}`);

it('records the queue depth once per minute for all API processes, and returns it as a bucket', async () => {
  const recorders = [1, 2].map(() => openDepthRecorder(api.deps));
  for (const recorder of recorders) await recorder.close();
  const { rows } = await api.deps.db.pool.query<{ at: Date }>('SELECT at FROM queue_depths');
  expect(new Set(rows.map(({ at }) => at.getTime())).size).toBe(rows.length);
  const { json } = await read();
  const known = json.buckets.filter(({ deferred }: { deferred: number | null }) => deferred !== null);
  expect(known.length).toBeGreaterThanOrEqual(1);
  expect(known[0]).toMatchObject({ waiting: 999_999_999_999, deferred: 0 });
  expect(json.buckets.length).toBeLessThanOrEqual(60);
});

it('without samples, every bucket is unknown', async () => {
  const { status, json } = await read('?granularity=hour');
  expect([status, json.granularity]).toEqual([200, 'hour']);
  expect(
    json.buckets.every(({ waiting, deferred }: Record<string, unknown>) => waiting === null && deferred === null),
  ).toBe(true);
});

it('returns 422 for a range that is empty or in the future, with the field and the fix', async () => {
  const { status, json } = await read('?from=2999-01-01T00:00:00Z');
  expect([status, json.errors[0].path]).toEqual([422, 'from']);
  expect((await read('?to=2020-01-01T00:00:00Z&from=2021-01-01T00:00:00Z')).status).toBe(422);
});
