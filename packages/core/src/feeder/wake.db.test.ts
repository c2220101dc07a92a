import { waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../ledger.test-support.js';
import { listenForWork } from './wake.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

it('what is parked when it is published wakes the feeders of all processes (I5)', async () => {
  const accountId = await ledger.account();
  const { id } = await ledger.activeSubscription(accountId);
  await ledger.db.prisma.subscription.update({ where: { id }, data: { rateLimit: 10 } });
  const woken = [0, 0];
  const ears = await Promise.all(woken.map((_, ear) => listenForWork(ledger.db, () => void (woken[ear] = 1))));
  await ledger.publish(accountId);
  await waitFor(() => (woken.every((count) => count === 1) ? true : null), { what: 'both to be woken' });
  for (const ear of ears) ear.close();
});

it('a connection that breaks is told of, so that who listens can listen anew', async () => {
  const ear = await listenForWork(ledger.db, () => {});
  expect(ear.isLost).toBe(false);
  await ledger.db.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()`,
  );
  await waitFor(() => (ear.isLost ? true : null), { what: 'it to notice' });
});
