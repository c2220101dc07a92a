import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ledger, openLedger } from './ledger.test-support.js';
import { readClockAhead } from './clock-ahead.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

it('finds a clock that is ahead, and none when both are the same', async () => {
  const { pool } = ledger.db;
  expect(await readClockAhead(pool)).toBe(0);
  const startedAt = Date.now();
  const ahead = await readClockAhead(pool, () => Date.now() + 60_000);
  const tookMs = Date.now() - startedAt + 1;
  expect(ahead).toBeLessThanOrEqual(60_000);
  expect(ahead).toBeGreaterThanOrEqual(60_000 - tookMs);
});
