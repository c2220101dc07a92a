import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../ledger.test-support.js';
import { hasQueueDepth, readQueueDepths, recordQueueDepth } from './queue-depths.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());
beforeEach(() => ledger.db.pool.query('TRUNCATE queue_depths'));

const MINUTE_MS = 60_000;
const FROM = new Date('2026-01-01T00:00:00Z');
const at = (minutes: number) => new Date(FROM.getTime() + minutes * MINUTE_MS);
const store = (minutes: number, waiting: number | null, deferred: number) =>
  ledger.db.pool.query('INSERT INTO queue_depths VALUES ($1, $2, $3)', [at(minutes), waiting, deferred]);
const rows = async () => (await ledger.db.pool.query('SELECT FROM queue_depths')).rowCount;

it('stores one depth per minute for any number of processes, and drops depths older than a month', async () => {
  await ledger.db.pool.query(
    `INSERT INTO queue_depths SELECT date_trunc('minute', now()) - n * interval '1 day', 1, 1 FROM generate_series(30, 40) n`,
  );
  expect(await hasQueueDepth(ledger.db.pool)).toBe(false);
  // Two rounds, since the minute may end between them: then each has its own row.
  for (let round = 0; round < 2; round += 1) {
    const stored = await Promise.all(
      [1, 2, 3, 4].map((waiting) => recordQueueDepth(ledger.db.pool, { waiting, deferred: 0 })),
    );
    expect(stored.filter(Boolean).length).toBeLessThanOrEqual(round === 0 ? 2 : 1);
  }
  const { rows: recent } = await ledger.db.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM queue_depths WHERE at > now() - interval '1 hour' GROUP BY date_trunc('minute', at)`,
  );
  expect(recent.every(({ count }) => count === 1)).toBe(true);
  expect(await rows()).toBe(recent.length + 1);
});

it('reads the highest depth of each bucket: large ones exactly, and null where none was recorded', async () => {
  await store(-1, 7, 7);
  await store(0, 5, 100);
  await store(4, 999_999_999_999, 3);
  await store(5, null, 2);
  await store(20, 1, 1);
  const buckets = await readQueueDepths(ledger.db.pool, { from: FROM, to: at(20), bucketMs: 5 * MINUTE_MS });
  expect(buckets).toEqual([
    { at: at(0), waiting: 999_999_999_999, deferred: 100 },
    { at: at(5), waiting: null, deferred: 2 },
    { at: at(10), waiting: null, deferred: null },
    { at: at(15), waiting: null, deferred: null },
  ]);
});
