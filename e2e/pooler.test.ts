import { openDatabase, requireSessions, requireSessionsToRead } from '@posthorn/core';
import { migrateUp } from '@posthorn/core/database-tools';
import { migrateQueues } from '@posthorn/jobs';
import { type ClonedDatabase, cloneDatabase, openEndpoint, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { runDoctor } from './run-cli.js';
import { type Stack, startStack } from './stack.js';
import { supportsNamedStatements, startPgBouncer } from './start-pgbouncer.js';
import { openTransactionPooler } from './transaction-pooler.js';

const pgBouncer = inject('pgBouncerPath');
const isNew = pgBouncer !== null && supportsNamedStatements(pgBouncer);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function openTarget(): Promise<ClonedDatabase> {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  undo.push(() => database.drop());
  return database;
}

async function openEmptyTarget(): Promise<ClonedDatabase> {
  const template = new URL(inject('templateDatabaseUrl'));
  template.pathname = '/template0';
  const database = await cloneDatabase(template.href);
  undo.push(() => database.drop());
  return database;
}

async function behindPgBouncer(
  { url }: ClonedDatabase,
  poolMode: 'session' | 'transaction',
  settings: Record<string, string> = {},
): Promise<string> {
  const started = await startPgBouncer(pgBouncer ?? '', url, { pool_mode: poolMode, ...settings });
  undo.push(() => started.stop());
  return started.url;
}

/** `url` through a pooler that supports named statements. */
async function behindTransactionPooler({ url }: ClonedDatabase) {
  const pooler = await openTransactionPooler(url);
  undo.push(() => pooler.close());
  const pooled = new URL(url);
  pooled.port = String(pooler.port);
  return { pooler, url: pooled.href };
}

/** The checks of a process before it starts. */
async function check(url: string, directUrl: string | null = null): Promise<void> {
  const db = openDatabase({ url, directUrl, applicationName: 'test', maxConnections: 1, log: silent });
  try {
    await requireSessions(db, silent);
  } finally {
    await db.close();
  }
}

/** Connections that have last run LISTEN. */
async function countListeners({ url }: ClonedDatabase): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>(
      `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'`,
    );
    return rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}

/** Events are accepted, delivered and shown in the stream: first enqueued by the publish, then by a dispatcher that listens. */
async function expectItWorks(stack: Stack): Promise<void> {
  const endpoint = await openEndpoint();
  undo.push(() => endpoint.close());
  const { account } = await stack.subscribe(endpoint.url, { rateLimit: 50 });
  const following = new AbortController();
  const stream = await fetch(`${stack.apiUrl}/v1/accounts/${account}/stream`, {
    headers: { authorization: `Bearer ${stack.operatorKey}` },
    signal: following.signal,
  });
  let shown = '';
  const reading = (async () => {
    for await (const chunk of stream.body ?? []) shown += Buffer.from(chunk).toString();
  })().catch(() => {});
  undo.push(() => {
    following.abort();
    return reading;
  });

  const published = Array.from({ length: 20 }, () =>
    stack.publish(account, '{"event":"message:created","payload":{}}'),
  );
  await Promise.all(published);
  await waitFor(() => endpoint.events.length === 20, { timeoutMs: 60_000, what: 'all deliveries' });
  await waitFor(() => shown.split('event: delivery').length > 20, {
    timeoutMs: 60_000,
    what: 'the stream to show them',
  });
}

describe.skipIf(pgBouncer === null)('behind PgBouncer in session mode', () => {
  it('migrates, accepts, delivers and streams', async () => {
    const database = await openEmptyTarget();
    const url = await behindPgBouncer(database, 'session');
    expect((await migrateUp({ url, log: silent })).length).toBeGreaterThan(0);
    await migrateQueues({ backend: 'postgres', url });
    const stack = await startStack({ backend: 'postgres', databaseUrl: url });
    undo.push(() => stack.stop());
    await expectItWorks(stack);
  });

  it('runs statements under READ COMMITTED and with their timeouts and planner settings', async () => {
    const database = await openTarget();
    const url = await behindPgBouncer(database, 'session');
    const db = openDatabase({ url, applicationName: 'test', maxConnections: 1, log: silent });
    undo.push(() => db.close());
    const { rows } = await db.pool.query(
      `SELECT current_setting('transaction_isolation') AS isolation, current_setting('statement_timeout') AS timeout,
         current_setting('enable_seqscan') AS seqscan`,
    );
    expect(rows).toEqual([{ isolation: 'read committed', timeout: '30s', seqscan: 'off' }]);
  });
});

describe.skipIf(pgBouncer === null)('behind a PgBouncer in transaction mode that loses named statements', () => {
  const settings = { ...(isNew && { max_prepared_statements: '0' }) };

  it('fails the start, with or without DATABASE_DIRECT_URL, and says what to do', async () => {
    const database = await openTarget();
    const url = await behindPgBouncer(database, 'transaction', settings);
    const sentence =
      /^DATABASE_URL points to a connection pooler that loses prepared statements: switch the pooler to session mode/;
    await expect(check(url)).rejects.toThrow(sentence);
    await expect(check(url, database.url)).rejects.toThrow(sentence);
    const checks = await runDoctor({ DATABASE_URL: url, DATABASE_DIRECT_URL: database.url });
    expect(checks.find(({ name }) => name === 'Pooler')).toMatchObject({
      status: 'failed',
      detail: 'loses prepared statements',
    });
  });

  it('ends a process with that sentence', async () => {
    const database = await openTarget();
    const url = await behindPgBouncer(database, 'transaction', settings);
    const starting = startStack({ backend: 'postgres', databaseUrl: url, workers: 0 });
    await expect(starting).rejects.toThrow(/ended with 1:\nDATABASE_URL points to a connection pooler [^\n]+\.$/);
  });
});

// Debian 12 has PgBouncer 1.18.
describe.skipIf(!isNew)('behind a PgBouncer in transaction mode that supports named statements', () => {
  it('accepts, delivers and streams with DATABASE_DIRECT_URL', async () => {
    const database = await openTarget();
    const url = await behindPgBouncer(database, 'transaction', { default_pool_size: '4' });
    const env = { DATABASE_DIRECT_URL: database.url };
    const stack = await startStack({ backend: 'postgres', databaseUrl: url, env });
    undo.push(() => stack.stop());
    await expectItWorks(stack);
    expect(await countListeners(database)).toBeGreaterThan(0);
  });
});

describe('behind a pooler in transaction mode that supports named statements', () => {
  // The queue on Postgres uses the direct connection, so everything that a queue on Redis does is part of this.
  it('accepts, delivers and streams with DATABASE_DIRECT_URL', async () => {
    const database = await openTarget();
    const { url, pooler } = await behindTransactionPooler(database);
    const env = { DATABASE_DIRECT_URL: database.url };
    const stack = await startStack({ backend: 'postgres', databaseUrl: url, env });
    undo.push(() => stack.stop());
    await expectItWorks(stack);
    expect(pooler.switches).toBeGreaterThan(0);
    expect(pooler.misplaced).toEqual([]);
    expect(await countListeners(database)).toBeGreaterThan(0);
  });

  it('fails the start without DATABASE_DIRECT_URL, or if that leads to the pooler, and says what to set', async () => {
    const database = await openTarget();
    const { url } = await behindTransactionPooler(database);
    await expect(check(url)).rejects.toThrow(
      /^DATABASE_URL points to a connection pooler in transaction mode: set DATABASE_DIRECT_URL to the URL of Postgres itself/,
    );
    await expect(check(url, `${url}?x`)).rejects.toThrow(/^DATABASE_DIRECT_URL points to a connection pooler/);
    await expect(migrateUp({ url, log: silent })).rejects.toThrow(/set DATABASE_DIRECT_URL to the URL of Postgres/);
    await check(url, database.url);
    const statuses = async (settings: Record<string, string>) =>
      Object.fromEntries(
        (await runDoctor({ DATABASE_URL: url, ...settings })).map(({ name, status }) => [name, status]),
      );
    expect(await statuses({})).toMatchObject({ Database: 'ok', Pooler: 'failed', Queue: 'failed' });
    expect(await statuses({ DATABASE_DIRECT_URL: database.url, DATABASE_READ_URL: url })).toMatchObject({
      Database: 'ok',
      'Direct connection': 'ok',
      Pooler: 'ok',
      Migrations: 'ok',
      'Read replica': 'failed',
      Queue: 'ok',
    });
  });

  it('fails the start if DATABASE_READ_URL leads to it; a replica that is away is not checked', async () => {
    const database = await openTarget();
    const { url, pooler } = await behindTransactionPooler(database);
    const checkReplica = async (replicaUrl: string) => {
      const replica = openDatabase({ url: replicaUrl, applicationName: 'test', maxConnections: 1, log: silent });
      try {
        await requireSessionsToRead(replica);
      } finally {
        await replica.close();
      }
    };
    await expect(checkReplica(url)).rejects.toThrow(
      /^DATABASE_READ_URL points to a connection pooler in transaction mode: set it to the URL of the replica/,
    );
    await checkReplica(database.url);
    const env = { DATABASE_READ_URL: url };
    const starting = startStack({ backend: 'postgres', databaseUrl: database.url, workers: 0, env });
    await expect(starting).rejects.toThrow(/ended with 1:\nDATABASE_READ_URL points to a connection pooler [^\n]+\.$/);
    await pooler.close();
    await checkReplica(url);
  });
});
