import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTransaction } from './database.js';
import { isDatabaseAway } from './database-away.js';
import { type Ledger, openLedger } from './ledger.test-support.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

describe('transaction', () => {
  it('regression: a connection that breaks inside of one is an error of that transaction, not the end of the process', async () => {
    const { pool } = ledger.db;
    const error = await inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const ended = new Promise((resolve) => client.once('end', resolve));
      await pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
      await ended; // here nobody awaits a query: an error event that nobody hears is an uncaught exception
      await client.query('SELECT 1');
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(await inTransaction(pool, (client) => client.query('SELECT 1 AS one'))).toMatchObject({ rowCount: 1 });
    expect(isDatabaseAway(error)).toBe(true);
  });

  it('regression: a connection may end in the moment in which it is handed over', async () => {
    const heard = await new Promise((resolve, reject) => {
      // The error may be in the packet that made it: whoever awaits the connection does not have it yet.
      ledger.db.pool.connect((error, client, release) => {
        if (!client) return reject(error ?? new Error('no connection'));
        resolve(client.emit('error', new Error('terminating connection due to administrator command')));
        release(true);
      });
    });
    expect(heard).toBe(true);
  });
});
