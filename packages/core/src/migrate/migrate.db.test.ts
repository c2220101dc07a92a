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
  it('applies what is pending in order of name, once', async () => {
    await write('2_second', 'INSERT INTO t VALUES (2)');
    await write('1_first', 'CREATE TABLE t (n int)');
    expect(await status()).toEqual(['1_first pending', '2_second pending']);
    expect(await up()).toEqual(['1_first', '2_second']);
    expect(await up()).toEqual([]);
    expect(await status()).toEqual(['1_first applied', '2_second applied']);
  });

  it('keeps Prisma’s books: name, SHA-256 of the file, one step, both times', async () => {
    await write('1_first', 'CREATE TABLE t (n int)');
    await up();
    const { rows } = await client.query('SELECT * FROM _prisma_migrations');
    expect(rows).toMatchObject([
      { migration_name: '1_first', applied_steps_count: 1, rolled_back_at: null, logs: null },
    ]);
    expect(rows[0].checksum).toMatch(/^[0-9a-f]{64}$/);
    expect(rows[0].finished_at >= rows[0].started_at).toBe(true);
  });

  it('five at once: one works, none fails, each file is applied once', async () => {
    await write('1_first', 'CREATE TABLE t (n int); SELECT pg_sleep(0.2)');
    const applied = await Promise.all(Array.from({ length: 5 }, up));
    expect(applied.flat()).toEqual(['1_first']);
  });

  it('refuses a file that was changed after it was applied, and applies nothing behind it', async () => {
    await write('1_first', 'CREATE TABLE t (n int)');
    await up();
    await write('1_first', 'CREATE TABLE t (n bigint)');
    await write('2_second', 'CREATE TABLE u (n int)');
    await expect(up()).rejects.toThrow(/1_first was changed/);
    expect(await status()).toEqual(['1_first edited', '2_second pending']);
  });

  it('a file that fails leaves nothing of itself but its entry, and the next run says how to go on', async () => {
    await write('1_first', 'CREATE TABLE t (n int); SELECT 1/0');
    await expect(up()).rejects.toThrow(/1_first failed and was rolled back: division by zero/);
    expect((await client.query(`SELECT to_regclass('t') AS t`)).rows).toEqual([{ t: null }]);
    await expect(up()).rejects.toThrow(/failed earlier/);
    await client.query('DELETE FROM _prisma_migrations WHERE finished_at IS NULL');
    await write('1_first', 'CREATE TABLE t (n int)');
    expect(await up()).toEqual(['1_first']);
  });

  it('a file that is marked runs outside of a transaction, so an index is made beside those who write; five at once', async () => {
    await write('1_first', 'CREATE TABLE t (n int); INSERT INTO t VALUES (1)');
    await write('2_second', '-- posthorn:no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS t_n_idx ON t (n);\n');
    const applied = await Promise.all(Array.from({ length: 5 }, up));
    expect(applied.flat()).toEqual(['1_first', '2_second']);
    const { rows } = await client.query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 't_n_idx'::regclass`);
    expect(rows).toEqual([{ indisvalid: true }]);
  });

  it('one that fails in the middle keeps what came before, names the statement, and can be run again', async () => {
    await write('1_first', 'CREATE TABLE t (n int); INSERT INTO t VALUES (1), (1)');
    const unique = 'DROP INDEX CONCURRENTLY IF EXISTS t_key;\nCREATE UNIQUE INDEX CONCURRENTLY t_key ON t (n);\n';
    await write('2_second', `-- posthorn:no-transaction\nALTER TABLE t ADD COLUMN IF NOT EXISTS m int;\n${unique}`);
    await expect(up()).rejects.toThrow(/^2_second failed at statement 3 of 3 \(could not create unique index/);
    expect(await status()).toEqual(['1_first applied', '2_second failed']);
    await expect(up()).rejects.toThrow('2_second failed earlier');
    await client.query(`DELETE FROM t WHERE ctid = (SELECT ctid FROM t LIMIT 1)`);
    await client.query(`DELETE FROM _prisma_migrations WHERE migration_name = '2_second'`);
    expect(await up()).toEqual(['2_second']);
    const { rows } = await client.query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 't_key'::regclass`);
    expect(rows).toEqual([{ indisvalid: true }]);
  });

  it('a migration that this code does not know is named, and no reason to stop', async () => {
    await write('1_first', 'CREATE TABLE t (n int)');
    await up();
    await rm(join(directory, '1_first'), { recursive: true });
    expect(await up()).toEqual([]);
    expect(await status()).toEqual(['1_first unknown']);
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
