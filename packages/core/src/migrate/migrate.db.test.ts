import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClonedDatabase, cloneDatabase } from '@posthorn/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { silent } from '../ledger.test-support.js';
import { migrateUp, migrationStatus } from './migrate.js';

let database: ClonedDatabase;
let directory: string;
let client: pg.Client;
beforeEach(async () => {
  database = await cloneDatabase(inject('templateDatabaseUrl'));
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  directory = await mkdtemp(join(tmpdir(), 'posthorn-migrations-'));
});
afterEach(async () => {
  await client.end();
  await database.drop();
  await rm(directory, { recursive: true });
});

async function write(name: string, sql: string): Promise<void> {
  await mkdir(join(directory, name), { recursive: true });
  await writeFile(join(directory, name, 'migration.sql'), sql);
}
const up = () => migrateUp({ url: database.url, log: silent, directory });
const status = async () =>
  (await migrationStatus({ url: database.url, directory })).map(({ name, state }) => `${name} ${state}`);

describe('migrate', () => {
  it('applies pending migrations in order of name, once', async () => {
    await write('2_second', 'INSERT INTO t VALUES (2)');
    await write('1_first', 'CREATE TABLE t (n int)');
    expect(await status()).toEqual(['1_first pending', '2_second pending']);
    expect(await up()).toEqual(['1_first', '2_second']);
    expect(await up()).toEqual([]);
    expect(await status()).toEqual(['1_first applied', '2_second applied']);
  });

  it('writes the same records as Prisma: name, SHA-256 of the file, one step, both times', async () => {
    await write('1_first', 'CREATE TABLE t (n int)');
    await up();
    const { rows } = await client.query('SELECT * FROM _prisma_migrations');
    expect(rows).toMatchObject([
      { migration_name: '1_first', applied_steps_count: 1, rolled_back_at: null, logs: null },
    ]);
    expect(rows[0].checksum).toMatch(/^[0-9a-f]{64}$/);
    expect(rows[0].finished_at >= rows[0].started_at).toBe(true);
  });

  it('five concurrent runs apply each file once and none fails', async () => {
    await write('1_first', 'CREATE TABLE t (n int); SELECT pg_sleep(0.2)');
    const applied = await Promise.all(Array.from({ length: 5 }, up));
    expect(applied.flat()).toEqual(['1_first']);
  });

  it('refuses a file that was changed after it was applied, and applies no later one', async () => {
    await write('1_first', 'CREATE TABLE t (n int)');
    await up();
    await write('1_first', 'CREATE TABLE t (n bigint)');
    await write('2_second', 'CREATE TABLE u (n int)');
    await expect(up()).rejects.toThrow(/1_first was changed/);
    expect(await status()).toEqual(['1_first edited', '2_second pending']);
  });

  it('rolls back a failed file except for its record, and the next run says how to continue', async () => {
    await write('1_first', 'CREATE TABLE t (n int); SELECT 1/0');
    await expect(up()).rejects.toThrow(/1_first failed and was rolled back: division by zero/);
    expect((await client.query(`SELECT to_regclass('t') AS t`)).rows).toEqual([{ t: null }]);
    await expect(up()).rejects.toThrow(/failed earlier/);
    await client.query('DELETE FROM _prisma_migrations WHERE finished_at IS NULL');
    await write('1_first', 'CREATE TABLE t (n int)');
    expect(await up()).toEqual(['1_first']);
  });

  it('logs an applied migration that has no file, and continues', async () => {
    await write('1_first', 'CREATE TABLE t (n int)');
    await up();
    await rm(join(directory, '1_first'), { recursive: true });
    expect(await up()).toEqual([]);
    expect(await status()).toEqual(['1_first unknown']);
  });

  describe.each([
    ['in a transaction', ''],
    ['outside a transaction', '-- posthorn:no-transaction\n'],
  ])('behind a long reader, %s', (_, firstLine) => {
    let reader: pg.Client;
    beforeEach(async () => {
      await write('1_first', 'CREATE TABLE t (n int)');
      await up();
      await write('2_second', `${firstLine}ALTER TABLE t ADD COLUMN m int;\n`);
      reader = new pg.Client({ connectionString: database.url });
      await reader.connect();
      await reader.query('BEGIN; SELECT FROM t');
    });
    afterEach(() => reader.end());

    it('waits briefly for its lock, lets others use the table, and tries again until it gets the lock', async () => {
      let attempts = 0;
      const log = {
        ...silent,
        info: (_fields: object, event: string) => void (attempts += +(event === 'migration.locked_out')),
      };
      const applying = migrateUp({ url: database.url, log, directory });
      // The reader keeps its lock: this query gets a result only if the migration stops waiting.
      for (let seen = 0; seen < 2; seen = attempts) await client.query('SELECT FROM t');
      await reader.query('COMMIT');
      expect(await applying).toEqual(['2_second']);
    });

    it('that does not end: says so, leaves no record, and can be repeated', async () => {
      const failure = await migrateUp({ url: database.url, log: silent, directory, maxLockAttempts: 2 }).catch(String);
      expect(failure).toMatch(/2_second .*lock timeout.* run this again\.$/);
      expect(await status()).toEqual(['1_first applied', '2_second pending']);
      await reader.query('COMMIT');
      expect(await up()).toEqual(['2_second']);
    });
  });

  describe('outside a transaction', () => {
    const indexes = async (): Promise<string[]> => {
      const { rows } = await client.query<{ thing: string }>(
        `SELECT concat(indexrelid::regclass, CASE WHEN NOT indisvalid THEN ' invalid' END) AS thing
         FROM pg_index WHERE indrelid <> '_prisma_migrations'::regclass AND indrelid::regclass::text ~ '^t' ORDER BY 1`,
      );
      return rows.map(({ thing }) => thing);
    };
    const CONCURRENT = `-- posthorn:no-transaction
-- Why the index exists;
DROP INDEX CONCURRENTLY IF EXISTS t_n_idx;
CREATE UNIQUE INDEX CONCURRENTLY t_n_idx
  ON t (n);
`;

    it('creates an index concurrently and writes the same records', async () => {
      await write('1_first', 'CREATE TABLE t (n int)');
      await write('2_second', CONCURRENT);
      expect(await up()).toEqual(['1_first', '2_second']);
      expect(await up()).toEqual([]);
      expect(await indexes()).toEqual(['t_n_idx']);
      const { rows } = await client.query('SELECT * FROM _prisma_migrations ORDER BY migration_name');
      expect(rows).toMatchObject([1, 2].map(() => ({ applied_steps_count: 1, rolled_back_at: null, logs: null })));
      expect(rows[1].finished_at >= rows[1].started_at).toBe(true);
    });

    it('without that first line the file runs in a transaction, and Postgres refuses it', async () => {
      await write('1_first', 'CREATE TABLE t (n int)');
      await write('2_second', `\n${CONCURRENT}`);
      await expect(up()).rejects.toThrow(
        /2_second failed and was rolled back: .*cannot run inside a transaction block/,
      );
    });

    it('names the failed statement, keeps the effects of earlier ones, and can be repeated', async () => {
      await write('1_first', 'CREATE TABLE t (n int); INSERT INTO t VALUES (1), (1)');
      await write(
        '2_second',
        CONCURRENT.replace('DROP', 'CREATE TABLE IF NOT EXISTS u (n int);\nDROP') + 'CREATE TABLE v (n int);\n',
      );
      const failure = await up().catch((error: Error) => error.message);
      expect(failure).toBe(
        '2_second failed at statement 3 of 4 (CREATE UNIQUE INDEX CONCURRENTLY t_n_idx ON t (n)): could not create unique index "t_n_idx". ' +
          'The earlier statements were applied. Fix the cause, delete its row (DELETE FROM _prisma_migrations WHERE ' +
          `migration_name = '2_second' AND finished_at IS NULL), and run this again: it repeats the file from its first statement.`,
      );
      expect(await status()).toEqual(['1_first applied', '2_second failed']);
      expect((await client.query(`SELECT to_regclass('u') AS u, to_regclass('v') AS v`)).rows).toEqual([
        { u: 'u', v: null },
      ]);
      expect(await indexes()).toEqual(['t_n_idx invalid']);
      await expect(up()).rejects.toThrow(/2_second failed earlier/);

      await client.query('DELETE FROM t WHERE ctid = (SELECT max(ctid) FROM t)');
      const howToGoOn = /\((DELETE FROM .*)\), and/.exec(String(failure))?.[1];
      await client.query(String(howToGoOn));
      expect(await up()).toEqual(['2_second']);
      expect(await indexes()).toEqual(['t_n_idx']);
      expect((await client.query(`SELECT to_regclass('v') AS v`)).rows).toEqual([{ v: 'v' }]);
    });

    it('runs no statement of a file that it cannot split', async () => {
      await write('1_first', '-- posthorn:no-transaction\nCREATE TABLE t (n int);\nDO $$ BEGIN END $$;\n');
      await expect(up()).rejects.toThrow(
        /1_first failed: this file must not contain a DO block or a function: .* No statement ran\./,
      );
      expect((await client.query(`SELECT to_regclass('t') AS t`)).rows).toEqual([{ t: null }]);
    });

    it('five concurrent runs: the waiting ones do not block the index, which is created once', async () => {
      await write('1_first', '-- posthorn:no-transaction\nCREATE TABLE t (n int);\nSELECT pg_sleep(0.5);\n');
      await write('2_second', CONCURRENT);
      const applied = await Promise.all(Array.from({ length: 5 }, up));
      expect(applied.flat()).toEqual(['1_first', '2_second']);
    });

    it('a concurrent statement waits for older transactions without a limit; any other after a moment', async () => {
      const sees = (limit: string) => `CREATE FUNCTION sees_${limit}(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
        $$ BEGIN ASSERT current_setting('lock_timeout') = '${limit}', current_setting('lock_timeout'); RETURN n; END $$;`;
      await write('1_first', `CREATE TABLE t (n int); INSERT INTO t VALUES (1); ${sees('0')} ${sees('200ms')}`);
      await write(
        '2_second',
        `-- posthorn:no-transaction
CREATE INDEX CONCURRENTLY a ON t (sees_0(n));
CREATE INDEX b ON t (sees_200ms(n));
CREATE INDEX CONCURRENTLY c ON t (sees_0(n));
`,
      );
      await write('3_third', 'CREATE INDEX d ON t (sees_200ms(n))');
      expect(await up()).toEqual(['1_first', '2_second', '3_third']);
    });

    it('repeats a statement for each partition to index a partitioned table; the file can be repeated', async () => {
      await write(
        '1_first',
        `CREATE TABLE t (n int, m int) PARTITION BY RANGE (n);
         CREATE TABLE t_other PARTITION OF t DEFAULT;
         CREATE TABLE t_first PARTITION OF t FOR VALUES FROM (MINVALUE) TO (10);
         INSERT INTO t VALUES (1, 1), (20, 0)`,
      );
      await write(
        '2_second',
        `-- posthorn:no-transaction
DROP INDEX IF EXISTS t_expr_idx;
DROP INDEX CONCURRENTLY IF EXISTS {t}_expr_idx;
CREATE INDEX t_expr_idx ON ONLY t ((1 / m));
CREATE INDEX CONCURRENTLY IF NOT EXISTS {t}_expr_idx ON {t} ((1 / m));
ALTER INDEX t_expr_idx ATTACH PARTITION {t}_expr_idx;
`,
      );
      await expect(up()).rejects.toThrow(
        '2_second failed at statement 4 of 5 (CREATE INDEX CONCURRENTLY IF NOT EXISTS t_other_expr_idx ON t_other ((1 / m))): division by zero.',
      );
      expect(await indexes()).toEqual(['t_expr_idx invalid', 't_first_expr_idx', 't_other_expr_idx invalid']);

      await client.query('UPDATE t SET m = 2 WHERE m = 0; DELETE FROM _prisma_migrations WHERE finished_at IS NULL');
      // A partition that a worker creates meanwhile already has the index, under the name that Postgres generates.
      await client.query('CREATE TABLE t_next PARTITION OF t FOR VALUES FROM (30) TO (40)');
      expect(await up()).toEqual(['2_second']);
      const whole = ['t_expr_idx', 't_first_expr_idx', 't_next_expr_idx', 't_other_expr_idx'];
      expect(await indexes()).toEqual(whole);

      await client.query(`DELETE FROM _prisma_migrations WHERE migration_name = '2_second'`);
      expect(await up()).toEqual(['2_second']);
      expect(await indexes()).toEqual(whole);
    });
  });

  it('the committed migrations apply to an empty database', async () => {
    const applied = await migrateUp({ url: database.url, log: silent });
    expect(applied.length).toBeGreaterThan(0);
    const { rows } = await client.query<{ name: string }>('SELECT name FROM event_types ORDER BY name');
    expect(rows.map(({ name }) => name)).toEqual([
      'conversation:created',
      'conversation:updated',
      'delivery:failed',
      'message:created',
      'subscription:disabled',
      'subscription:failing',
      'subscription:recovered',
    ]);
  });
});
