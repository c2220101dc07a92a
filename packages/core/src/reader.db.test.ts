import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase } from './database.js';
import { type Ledger, openLedger, silent } from './ledger.test-support.js';
import { openReader } from './reader.js';

let ledger: Ledger;
let away: Database;
beforeAll(async () => {
  ledger = await openLedger();
  const url = 'postgres://nobody@127.0.0.1:1/none'; // no server listens there
  away = openDatabase({ url, applicationName: 'test', maxConnections: 1, log: silent });
});
afterAll(async () => {
  await away.close();
  await ledger.close();
});

const one = async ({ pool }: Database) => (await pool.query<{ one: number }>('SELECT 1 AS one')).rows[0]?.one;
const failure = (code: string) => Object.assign(new Error(code), { code });

it('a primary that is its own replica has no lag', async () => {
  const reader = openReader({ primary: ledger.db, replica: ledger.db, log: silent });
  expect(await reader.read(one)).toEqual({ result: 1, lagSeconds: 0 });
  expect(await reader.measure()).toEqual({ isUp: true, lagSeconds: 0, fallbacks: 0 });
});

it('without a replica it reads from the primary and measures no lag', async () => {
  const reader = openReader({ primary: ledger.db, replica: null, log: silent });
  expect(await reader.read(one)).toEqual({ result: 1, lagSeconds: null });
  expect(await reader.measure()).toBe(null);
});

it('logs an unavailable replica once and reads from the primary', async () => {
  const logged: string[] = [];
  const log = { ...silent, warn: (_about: unknown, message?: string) => void logged.push(String(message)) };
  const reader = openReader({ primary: ledger.db, replica: away, log });
  for (let count = 1; count <= 3; count += 1) {
    expect(await reader.read(one)).toEqual({ result: 1, lagSeconds: null });
    expect(await reader.measure()).toEqual({ isUp: false, lagSeconds: null, fallbacks: count });
  }
  expect(logged).toEqual(['read_replica.away']);
});

it('repeats a read on the primary if replication canceled it, and keeps using the replica', async () => {
  const replica = { ...ledger.db };
  const reader = openReader({ primary: ledger.db, replica, log: silent });
  const read = (db: Database) => (db === replica ? Promise.reject(failure('40001')) : one(db));
  expect(await reader.read(read)).toEqual({ result: 1, lagSeconds: null });
  expect(await reader.measure()).toMatchObject({ isUp: true, fallbacks: 1 });
});

it('throws the error of a statement without trying the primary', async () => {
  const reader = openReader({ primary: ledger.db, replica: ledger.db, log: silent });
  let reads = 0;
  const read = () => ((reads += 1), Promise.reject(failure('42601')));
  await expect(reader.read(read)).rejects.toThrow('42601');
  expect(reads).toBe(1);
});
