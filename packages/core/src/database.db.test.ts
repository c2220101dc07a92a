import { type ClonedDatabase, cloneDatabase, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Database, inTransaction, openDatabase } from './database.js';
import { isDatabaseAway } from './database-away.js';
import { type Ledger, openLedger, silent } from './ledger.test-support.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

describe('transaction', () => {
  it('regression: a broken connection fails its transaction and does not end the process', async () => {
    const { pool } = ledger.db;
    const error = await inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const ended = new Promise((resolve) => client.once('end', resolve));
      await pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
      await ended; // no query is pending here: without a listener the error event would be an uncaught exception
      await client.query('SELECT 1');
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(await inTransaction(pool, (client) => client.query('SELECT 1 AS one'))).toMatchObject({ rowCount: 1 });
    expect(isDatabaseAway(error)).toBe(true);
  });

  it('regression: a connection may break while it is handed over', async () => {
    const heard = await new Promise((resolve, reject) => {
      // The error may arrive in the same packet, before the caller has the connection.
      ledger.db.pool.connect((error, client, release) => {
        if (!client) return reject(error ?? new Error('no connection'));
        resolve(client.emit('error', new Error('terminating connection due to administrator command')));
        release(true);
      });
    });
    expect(heard).toBe(true);
  });
});

describe.each([
  { way: 'a direct connection', isPooled: false },
  { way: 'a pooler in transaction mode', isPooled: true },
])('through $way', ({ isPooled }) => {
  let database: ClonedDatabase;
  let db: Database;
  let other: pg.Client;
  beforeAll(async () => {
    database = await cloneDatabase(inject('templateDatabaseUrl'));
    other = new pg.Client({ connectionString: database.url });
    await other.connect();
    const name = new URL(database.url).pathname.slice(1);
    await other.query(`
      ALTER DATABASE "${name}" SET default_transaction_isolation = 'repeatable read';
      ALTER DATABASE "${name}" SET statement_timeout = 0;
      CREATE TABLE counters (n int); INSERT INTO counters VALUES (0)`);
    const directUrl = isPooled ? `${database.url}?keepalives=1` : null;
    db = openDatabase({ url: database.url, directUrl, applicationName: 'test', maxConnections: 2, log: silent });
  });
  afterAll(async () => {
    await other.end();
    await db.close();
    await database.drop();
  });

  const SETTINGS = `
    SELECT current_setting('transaction_isolation') AS isolation, current_setting('statement_timeout') AS timeout,
      current_setting('idle_in_transaction_session_timeout') AS "idleTimeout", current_setting('jit') AS jit,
      current_setting('plan_cache_mode') AS plans, current_setting('enable_seqscan') AS seqscan`;
  const expected = {
    isolation: 'read committed',
    timeout: '30s',
    idleTimeout: '30s',
    jit: 'off',
    plans: 'force_generic_plan',
    seqscan: 'off',
  };

  it('statements and transactions, including Prisma’s, use our settings regardless of the database’s defaults', async () => {
    expect((await db.pool.query(SETTINGS)).rows).toEqual([expected]);
    expect((await db.pool.query({ name: 'settings', text: SETTINGS })).rows).toEqual([expected]);
    expect((await inTransaction(db.pool, (client) => client.query(SETTINGS))).rows).toEqual([expected]);
    expect((await db.direct.query(SETTINGS)).rows).toEqual([expected]);
    expect(await db.prisma.$queryRawUnsafe(SETTINGS)).toEqual([expected]);
    const [ofPrisma] = await db.prisma.$transaction([db.prisma.$queryRawUnsafe(SETTINGS), db.prisma.account.count()]);
    expect(ofPrisma).toEqual([expected]);
  });

  it('concurrent changes of one row wait for each other and none fails', async () => {
    await other.query('BEGIN; UPDATE counters SET n = n + 1');
    const change = db.pool.query('UPDATE counters SET n = n + 1 RETURNING n');
    await waitFor(async () => {
      const { rowCount } = await other.query(
        'SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))',
      );
      return rowCount === 1;
    });
    await other.query('COMMIT');
    expect((await change).rows).toEqual([{ n: 2 }]);
  });

  it('a failed statement leaves no open transaction and does not affect the next one', async () => {
    const client = await db.pool.connect();
    await expect(client.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' });
    expect(client.getTransactionStatus()).toBe('I');
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    client.release();
  });

  it.runIf(isPooled)('leaves no settings in the session, which another client gets next', async () => {
    const client = await db.pool.connect();
    await client.query('SELECT 1');
    const queryBare = pg.Client.prototype.query.bind(client) as (text: string) => Promise<pg.QueryResult>;
    expect((await queryBare(SETTINGS)).rows).toEqual([
      { isolation: 'repeatable read', timeout: '0', idleTimeout: '0', jit: 'on', plans: 'auto', seqscan: 'on' },
    ]);
    client.release();
  });
});
