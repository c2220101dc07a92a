import { type DueWork, openDatabase } from '@posthorn/core';
import { cloneDatabase, waitFor } from '@posthorn/testing';
import { expect, inject, it } from 'vitest';
import { startLooking } from './looking.js';
import { startVerificationDispatcher } from './verification-dispatcher.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

it('wakes the loop of the work that becomes due, while the others rest', async () => {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 2, log: silent });
  const woken: DueWork[] = [];
  let rounds = 0;
  const verifications = startVerificationDispatcher({
    db,
    enqueue: () => Promise.resolve(true),
    log: silent,
    observe: () => (rounds += 1),
  });
  const loop = (kind: DueWork) => ({ wake: () => void woken.push(kind) });
  const looking = startLooking({
    db,
    log: silent,
    loops: {
      verifications,
      fanOuts: loop('fanOuts'),
      settlements: loop('settlements'),
      catchUps: loop('catchUps'),
      replays: loop('replays'),
      replayCounts: loop('replayCounts'),
      operationalEvents: loop('operationalEvents'),
    },
  });
  await db.pool.query(`INSERT INTO accounts (id) VALUES ('a')`);
  await db.pool.query(
    `INSERT INTO subscriptions (id, account_id, url, events, status) VALUES (posthorn_uuidv7(), 'a', 'https://hooks.example.com/', '{}', 'paused')`,
  );
  expect(woken).toEqual([]);
  await db.pool.query('INSERT INTO settlements (subscription_id) SELECT id FROM subscriptions');
  await waitFor(() => woken.length > 1);
  expect(new Set(woken)).toEqual(new Set(['settlements']));
  expect(rounds).toBeLessThan(10); // without a rest, thousands
  await Promise.all([looking.stop(), verifications.stop()]);
  await db.close();
  await database.drop();
});
