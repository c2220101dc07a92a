import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAILED, type Ledger, openLedger, openSingleConnection } from '../ledger.test-support.js';
import { createSubscription } from '../subscriptions/create-subscription.js';
import { disableSubscription } from '../subscriptions/disable-subscription.js';
import { type AttentionQuery, listAttention } from './list-attention.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

const list = (query: Partial<AttentionQuery> = {}) =>
  listAttention(ledger.db.pool, { accountId: null, before: null, limit: 100, ...query });
const idsOf = async (query?: Partial<AttentionQuery>) =>
  (await list(query)).map(({ subscriptionId }) => subscriptionId);
const set = (id: string, change: string) =>
  ledger.db.pool.query(`UPDATE subscriptions SET ${change} WHERE id = $1`, [id]);

describe('the attention list', () => {
  it('contains subscriptions that Posthorn disabled, that fail or whose verification failed; not manually disabled or working ones', async () => {
    const accountId = await ledger.account();
    const gone = await ledger.activeSubscription(accountId);
    const byHand = await ledger.activeSubscription(accountId);
    const failing = await ledger.activeSubscription(accountId);
    await ledger.activeSubscription(accountId);
    await set(gone.id, `status = 'disabled', status_reason = 'gone', status_changed_at = now() - interval '1 hour'`);
    await disableSubscription(ledger, { accountId, id: byHand.id });
    await set(failing.id, `failing_since = now() - interval '2 hours'`);
    const deleted = await ledger.activeSubscription(accountId);
    await set(deleted.id, `failing_since = now(), deleted_at = now()`);

    const made = await createSubscription(
      ledger,
      { accountId, url: 'https://x.example.com/', events: [], headers: {} },
      { maxSubscriptions: 1_000 },
    );
    if (made.outcome !== 'created') throw new Error(made.outcome);
    expect(await idsOf({ accountId })).toEqual([gone.id, failing.id]); // its verification is still running
    await ledger.db.pool.query(
      `UPDATE verifications SET status = 'failed', reason = 'mismatch', leased_until = NULL WHERE subscription_id = $1`,
      [made.subscription.id],
    );
    expect(await list({ accountId })).toMatchObject([
      { subscriptionId: made.subscription.id, status: 'unverified', verificationReason: 'mismatch' },
      { subscriptionId: gone.id, status: 'disabled', statusReason: 'gone', verificationReason: null },
      { subscriptionId: failing.id, status: 'active', isOverdue: false },
    ]);
  });

  it('contains a subscription with overdue deliveries once, whatever else is wrong', async () => {
    const accountId = await ledger.account();
    const late = await ledger.activeSubscription(accountId);
    const both = await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await ledger.db.pool.query(
      `UPDATE pending_deliveries SET due_at = now() - interval '1 minute', leased_until = NULL WHERE account_id = $1`,
      [accountId],
    );
    await set(both.id, `failing_since = now() - interval '5 minutes'`);
    for (const query of [{ accountId }, {}]) {
      const found = (await list(query)).filter((one) => one.accountId === accountId);
      expect(found).toMatchObject([
        { subscriptionId: late.id, isOverdue: true, status: 'active' },
        { subscriptionId: both.id, isOverdue: false },
      ]);
      expect(Date.now() - (found[0]?.since.getTime() ?? 0)).toBeGreaterThan(59_000);
    }
    await ledger.settle();
    expect(await idsOf({ accountId })).toEqual([]);
  });

  it('contains a failing subscription until it succeeds', async () => {
    const accountId = await ledger.account();
    const { id } = await ledger.activeSubscription(accountId);
    ledger.results.push(FAILED, {});
    await ledger.publish(accountId);
    await ledger.db.pool.query(`UPDATE subscriptions SET failing_since = now() WHERE id = $1`, [id]);
    expect(await idsOf({ accountId })).toEqual([id]);
    await ledger.settle();
    expect(await idsOf({ accountId })).toEqual([]);
    ledger.results.length = 0;
  });

  it('pages return each subscription once, even with equal times; an account sees only its own', async () => {
    const [mine, theirs] = [await ledger.account(), await ledger.account()];
    for (const accountId of [mine, mine, mine, theirs, mine]) {
      const { id } = await ledger.activeSubscription(accountId);
      await set(id, `failing_since = '2026-01-01T00:00:00Z'`);
    }
    const whole = await idsOf({ accountId: mine });
    expect(new Set(whole).size).toBe(4);
    const paged: string[] = [];
    for (let before: AttentionQuery['before'] = null; paged.length < 4;) {
      const [row, ...more] = await list({ accountId: mine, before, limit: 1 });
      if (!row || more.length > 0) break;
      paged.push(row.subscriptionId);
      before = { at: row.since, id: row.subscriptionId };
    }
    expect(paged).toEqual(whole);
    const ofAll = (await list()).filter(({ accountId }) => accountId === mine);
    expect(ofAll.map(({ subscriptionId }) => subscriptionId)).toEqual(whole);
  });

  it('reads only as many subscriptions as it lists', async () => {
    const { pool } = ledger.db;
    await ledger.account('crowd');
    await pool.query(
      `INSERT INTO subscriptions (id, account_id, url, status)
       SELECT posthorn_uuidv7(), 'crowd', 'https://crowd.example.com/', 'active' FROM generate_series(1, 20000)`,
    );
    await pool.query(
      `UPDATE subscriptions SET failing_since = now() WHERE id IN (SELECT id FROM subscriptions WHERE account_id = 'crowd' LIMIT 500)`,
    );
    // One connection, so that EXPLAIN sees the prepared statement.
    const one = openSingleConnection(ledger.db);
    for (const [name, accountId, index] of [
      ['list-attention', null, 'subscriptions_attention_idx'],
      ['list-attention-of-account', 'crowd', 'subscriptions_account_attention_idx'],
    ] as const) {
      expect(await listAttention(one, { accountId, before: null, limit: 20 })).toHaveLength(20);
      const more = accountId === null ? '' : `, '${accountId}'`;
      const { rows } = await one.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN (ANALYZE, BUFFERS, COSTS off, TIMING off) EXECUTE "${name}" ('infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 20${more})`,
      );
      const plan = rows.map((row) => row['QUERY PLAN']);
      expect(plan.find((line) => line.includes(`${index} on`))).toMatch(/actual rows=20(\.00)? /);
      // The page and one probe per shard, but no other subscriptions.
      const [, hit = '0', read = '0'] = /shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(plan.join('\n')) ?? [];
      expect(Number(hit) + Number(read)).toBeLessThanOrEqual(200);
    }
    await one.end();
  });
});
