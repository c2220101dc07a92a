import { isWaitingForLock, waitFor } from '@posthorn/testing';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { COLUMNS } from '../delivery-tables.js';
import { freezeEvent } from '../publish/freeze-event.js';
import { insertEvents } from '../publish/insert-events.js';
import { idTime, newId } from '../id.js';
import { openKeyring } from '../keys/keyring.js';
import { createKey } from '../keys/create-key.js';
import { FAILED, type Ledger, openLedger } from '../ledger.test-support.js';
import { replayOf } from '../replays/replay-of.test-support.js';
import { startReplay } from '../replays/start-replay.js';
import { SHARDS } from '../shards.js';
import { foldStats } from '../stats/fold-stats.js';
import { createSubscription } from '../subscriptions/create-subscription.js';
import { pauseSubscription } from '../subscriptions/pause-subscription.js';
import { checkWebhookUrl } from '../verifications/start-verification.js';
import { deleteAccount } from './delete-account.js';
import { eraseStep } from './erase-accounts.js';
import { putAccount } from './put-account.js';

let ledger: Ledger;
let pool: pg.Pool;
beforeAll(async () => {
  ledger = await openLedger();
  ({ pool } = ledger.db);
});
afterAll(() => ledger.close());
beforeEach(() => {
  ledger.results.length = 0;
  ledger.posts.length = 0;
  ledger.jobs.length = 0;
});

const { signal } = new AbortController();

/** An account with several rows of each kind: delivered, failing, held and pending, with all kinds of attempts. */
async function fullAccount(): Promise<string> {
  const accountId = await ledger.account();
  const [active, paused] = [
    await ledger.activeSubscription(accountId),
    await ledger.activeSubscription(accountId, { events: ['message:created'] }),
  ];
  await createKey(ledger, { accountId, name: 'CI', scopes: ['events:write'] });
  for (let n = 0; n < 3; n += 1) await ledger.publish(accountId, { key: `k${n}` });
  await ledger.publisher.drain();
  ledger.results.splice(0, ledger.results.length, FAILED, {});
  await ledger.work();
  await pauseSubscription(ledger, paused);
  for (let n = 0; n < 2; n += 1) await ledger.publish(accountId);
  await ledger.publisher.drain();
  for (const shard of SHARDS) await foldStats(pool, { shard, atOnce: 1_000 });
  await ledger.publish(accountId);
  await ledger.publisher.drain();
  const since = new Date(Date.now() - 3_600_000);
  const replay = replayOf({ accountId, subscriptionId: active.id, since, until: new Date() });
  expect(await startReplay(ledger, replay)).toMatchObject({ outcome: 'started' });
  return accountId;
}

const TABLES =
  `subscriptions verifications events pending_deliveries due_subscriptions finished_deliveries attempts idempotency_keys replays api_keys stats stat_deltas`.split(
    /\s+/,
  );

/** Number of rows per table, of this account or of all others. */
async function rowsOf(accountId: string, whose: 'its' | 'others'): Promise<Record<string, number>> {
  const counts = TABLES.map((table) => `(SELECT count(*)::int FROM ${table} WHERE (account_id = $1) = $2) AS ${table}`);
  const { rows } = await pool.query<Record<string, number>>(
    `SELECT ${counts.join(', ')}, (SELECT count(*)::int FROM accounts WHERE (id = $1) = $2) AS accounts,
       (SELECT count(*)::int FROM secrets JOIN subscriptions s ON s.id = subscription_id WHERE (s.account_id = $1) = $2) AS secrets`,
    [accountId, whose === 'its'],
  );
  return rows[0] ?? {};
}

/** A pool that reports each statement before it runs, and how many rows it changed. */
function watch(
  about: (statement: string) => void,
  changed: (statement: string, rowCount: number) => void = () => {},
): pg.Pool {
  const watched = (client: pg.PoolClient): pg.PoolClient =>
    new Proxy(client, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (name !== 'query') return typeof value === 'function' ? value.bind(target) : value;
        return async (statement: string, values?: unknown[]) => {
          about(statement);
          const result = await target.query(statement, values);
          changed(statement, result.rowCount ?? 0);
          return result;
        };
      },
    });
  return new Proxy(pool, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name === 'connect') return async () => watched(await target.connect());
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('a deleted account', () => {
  it('is unknown at once: no publish, no new webhook, no key; a second deletion changes nothing', async () => {
    const accountId = await ledger.account();
    const created = await createKey(ledger, { accountId, name: 'CI', scopes: ['events:write'] });
    if (created.outcome !== 'created') throw new Error(created.outcome);
    const deleted = await deleteAccount(ledger, { id: accountId });
    expect(deleted).toMatchObject({ outcome: 'deleted', deletedAt: expect.any(Date) });
    expect(await deleteAccount(ledger, { id: accountId })).toEqual(deleted);

    const frozen = freezeEvent(Buffer.from('{"event":"message:created","payload":{}}'));
    if (!frozen.ok) throw new Error(frozen.message);
    const request = { accountId, frozen: frozen.frozen, idempotencyKey: null };
    expect(await ledger.publisher.publish(request)).toEqual({ outcome: 'account_unknown' });
    const url = 'https://hooks.example.com/';
    expect(await createSubscription(ledger, { accountId, url, events: [] }, { maxSubscriptions: 10 })).toEqual({
      outcome: 'account_unknown',
    });
    expect(await checkWebhookUrl(ledger, { accountId, url })).toEqual({ outcome: 'account_unknown' });
    expect(await createKey(ledger, { accountId, name: 'more', scopes: [] })).toEqual({ outcome: 'account_unknown' });
    expect(await openKeyring(ledger).find(created.key)).toBeNull();
    expect(await putAccount(ledger, { id: accountId, name: 'again' })).toEqual({ outcome: 'erasing' });

    await ledger.erase();
    expect(await deleteAccount(ledger, { id: accountId })).toEqual({ outcome: 'not_found' });
    expect(await putAccount(ledger, { id: accountId })).toMatchObject({ outcome: 'created', account: { name: null } });
    expect((await ledger.db.prisma.subscription.findMany({ where: { accountId } })).length).toBe(0);
  });

  it('receives no more events: its jobs stop, and the dispatcher enqueues none', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await createSubscription(
      ledger,
      { accountId, url: 'https://unverified.example.com/', events: [] },
      { maxSubscriptions: 10 },
    );
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    expect(ledger.jobs.map(({ queue }) => queue).toSorted()).toEqual(['deliver', 'verify']);
    await deleteAccount(ledger, { id: accountId });
    // In a very large account, some webhooks are not closed yet.
    await pool.query('UPDATE subscriptions SET deleted_at = NULL WHERE account_id = $1', [accountId]);
    await ledger.work();
    expect(ledger.posts).toEqual([]);
    await ledger.erase();
    await ledger.settle();
    expect(ledger.posts).toEqual([]);
  });

  it('is erased in small steps, survives a crash in any step, and leaves other accounts alone', async () => {
    await fullAccount();
    const accountId = await fullAccount();
    const others = await rowsOf(accountId, 'others');
    expect(Object.values(await rowsOf(accountId, 'its'))).not.toContain(0);
    await deleteAccount(ledger, { id: accountId });

    const atOnce = 3;
    let steps = 0;
    let rows = 0;
    for (;;) {
      // A process that crashes in a step leaves nothing of that step.
      const left = await rowsOf(accountId, 'its');
      const dies = watch((statement) => {
        if (/^(DELETE FROM accounts|UPDATE erasures)/.test(statement)) throw new Error('died');
      });
      await expect(eraseStep(dies, { atOnce })).rejects.toThrow('died');
      expect(await rowsOf(accountId, 'its')).toEqual(left);

      const step = await eraseStep(
        watch(
          () => {},
          (statement, count) => {
            if (/^\s*(DELETE|UPDATE)/.test(statement)) expect(count).toBeLessThanOrEqual(atOnce);
          },
        ),
        { atOnce },
      );
      if (step === null || step === 'busy') throw new Error('not erased yet');
      steps += 1;
      rows += step.count;
      expect(step).toMatchObject({ accountId, rowCount: rows });
      if (step.isErased) break;
      expect(step.count).toBeGreaterThan(0);
      expect(await deleteAccount(ledger, { id: accountId })).toMatchObject({ erasedRows: rows });
    }
    expect(steps).toBeGreaterThan(10);
    expect(await eraseStep(pool)).toBeNull();
    expect(await rowsOf(accountId, 'others')).toEqual(others);
    expect(new Set(Object.values(await rowsOf(accountId, 'its')))).toEqual(new Set([0]));
  });

  it('leaves no attempt of a result that is recorded during the erasure', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    const [job] = ledger.jobs.splice(0);
    if (!job) throw new Error('nothing was enqueued');
    // The result waits for the delivery; the erasure does not wait for the result.
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM pending_deliveries WHERE id = $1 FOR UPDATE', [job.id]);
    const attempt = ledger.attempter().attempt(job, signal);
    await waitFor(() => isWaitingForLock(pool));
    await deleteAccount(ledger, { id: accountId });
    expect(await eraseStep(pool)).toBe('busy');
    await client.query('COMMIT');
    client.release();
    expect(await attempt).toMatchObject({ end: 'attempted' });
    await ledger.erase();
    expect(await ledger.db.prisma.attempt.count({ where: { deliveryId: job.id } })).toBe(0);
  });

  it('leaves no delivery that a requested retry moves to pending_deliveries during the erasure', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    await ledger.publish(accountId);
    await ledger.publisher.drain();
    await ledger.work();
    const { id } = await ledger.db.prisma.delivery.findFirstOrThrow({ where: { accountId } });
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query(
      `WITH leaving AS (DELETE FROM finished_deliveries WHERE id = $1 RETURNING ${COLUMNS})
       INSERT INTO pending_deliveries (${COLUMNS}, requested_trigger, leased_until) SELECT ${COLUMNS}, 'manual', now() FROM leaving`,
      [id],
    );
    await deleteAccount(ledger, { id: accountId });
    for (let step = await eraseStep(pool); step !== 'busy'; step = await eraseStep(pool)) expect(step).not.toBeNull();
    await client.query('COMMIT');
    client.release();
    await ledger.erase();
    expect(await ledger.db.prisma.delivery.count({ where: { accountId } })).toBe(0);
    expect(await ledger.db.prisma.attempt.count({ where: { accountId } })).toBe(0);
  });

  it('leaves nothing of a publish that was not committed when the account was marked', async () => {
    const accountId = await ledger.account();
    await ledger.activeSubscription(accountId);
    const frozen = freezeEvent(Buffer.from('{"event":"message:created","payload":{}}'));
    if (!frozen.ok) throw new Error(frozen.message);
    const id = newId();
    const client = await pool.connect();
    await client.query('BEGIN');
    const event = { id, accountId, frozen: frozen.frozen, createdAt: idTime(id), idempotency: null };
    expect(await insertEvents(client, [event])).toMatchObject([{ accepted: true, deliveryCount: 1 }]);
    await deleteAccount(ledger, { id: accountId });
    expect(await eraseStep(pool)).toBe('busy');
    await client.query('COMMIT');
    client.release();
    await ledger.erase();
    expect(await ledger.db.prisma.event.count({ where: { accountId } })).toBe(0);
    expect(await ledger.db.prisma.delivery.count({ where: { accountId } })).toBe(0);
  });

  it('does not wait for another account: their steps alternate', async () => {
    const accounts = [await ledger.account(), await ledger.account()];
    for (const accountId of accounts) {
      await ledger.activeSubscription(accountId);
      for (let n = 0; n < 3; n += 1) await ledger.publish(accountId);
      await deleteAccount(ledger, { id: accountId });
    }
    await ledger.publisher.drain();
    const turns = [await eraseStep(pool, { atOnce: 1 }), await eraseStep(pool, { atOnce: 1 })];
    expect(turns).toMatchObject(accounts.map((accountId) => ({ accountId })));
    await ledger.erase();
  });
});
