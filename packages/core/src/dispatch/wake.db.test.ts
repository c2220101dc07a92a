import { waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freezeEvent } from '../publish/freeze-event.js';
import { openPublisher } from '../publish/publisher.js';
import { type Ledger, openLedger } from '../ledger.test-support.js';
import { listenForWork } from './wake.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

it('a publish with deferred deliveries wakes the dispatchers of all processes', async () => {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId);
  await ledger.db.prisma.subscription.update({ where: { id }, data: { rateLimit: 10 } });
  const woken = [0, 0];
  const listeners = await Promise.all(
    woken.map((_, listener) => listenForWork(ledger.db, () => void (woken[listener] = 1))),
  );
  await ledger.publish(accountId);
  await waitFor(() => (woken.every((count) => count === 1) ? true : null), { what: 'both to be woken' });
  for (const listener of listeners) listener.close();
});

it('an event with more deliveries than a statement may write wakes the expanders of all processes', async () => {
  const accountId = await ledger.account();
  for (let n = 0; n < 2; n += 1) await ledger.activeSubscription(accountId);
  const woken: string[] = [];
  const listener = await listenForWork(ledger.db, (who) => void woken.push(who));
  const frozen = freezeEvent(Buffer.from('{"event":"message:created","payload":{}}'));
  if (!frozen.ok) throw new Error(frozen.message);
  const publisher = openPublisher(ledger, { maxDeliveries: 1 });
  await publisher.publish({ accountId, frozen: frozen.frozen, idempotencyKey: null });
  await waitFor(() => woken.length > 0, { what: 'an expander to be woken' });
  expect(woken).toEqual(['fan_out']);
  listener.close();
});

it('reports a broken connection, so that the caller can listen again', async () => {
  const listener = await listenForWork(ledger.db, () => {});
  expect(listener.isLost).toBe(false);
  await ledger.db.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()`,
  );
  await waitFor(() => (listener.isLost ? true : null), { what: 'the lost connection to be noticed' });
});
