import { createHash, randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { Log } from '../log.js';
import { readPooling } from '../pooling/read-pooling.js';
import { isOutsideTransaction, splitStatements } from './split-statements.js';

/** Applies prisma/migrations without Prisma's engine, which is a downloaded binary. Uses the same table in the same
 *  way, so `prisma migrate deploy` works on the same database, unless a file runs outside a transaction.
 *
 *  A file whose first line is `-- posthorn:no-transaction` is sent statement by statement (split-statements.ts), so
 *  that CREATE INDEX CONCURRENTLY works. It may stop half-way, so it must be repeatable: use DROP INDEX CONCURRENTLY
 *  IF EXISTS before each CREATE INDEX CONCURRENTLY (a failed one leaves an invalid index), and IF NOT EXISTS
 *  elsewhere.
 *
 *  Postgres cannot index a partitioned table concurrently. So such a file repeats a statement with `{events}` for
 *  each partition of `events`, with the partition's name inserted. CONTRIBUTING.md shows how to add an index. */

const MIGRATIONS_DIRECTORY = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));

/** Prisma's engine takes the same lock, so the two never run concurrently. */
const LOCK = 72_707_369;

const BOOKS = `
CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id varchar(36) PRIMARY KEY,
  checksum varchar(64) NOT NULL,
  finished_at timestamptz,
  migration_name varchar(255) NOT NULL,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz NOT NULL DEFAULT now(),
  applied_steps_count integer NOT NULL DEFAULT 0
)`;

interface MigrationFile {
  name: string;
  sql: string;
  checksum: string;
}

export type MigrationState = 'applied' | 'pending' | 'failed' | 'edited' | 'unknown';
export interface MigrationStatus {
  name: string;
  /** edited: applied, but the file was changed later · unknown: applied, but the file does not exist here */
  state: MigrationState;
  finishedAt: Date | null;
}

/** An error that a person must fix. The message says how to continue. */
export class MigrationError extends Error {}

/** Applies pending migrations in order of name, each file in one transaction with its record, unless the file says
 *  otherwise.
 *  Returns the names it applied. Concurrent calls wait and find nothing to do.
 *  Throws MigrationError for an edited file, an earlier failure or a new one. A new failure is rolled back if it ran
 *  in a transaction. A file that does not get its locks in `maxLockAttempts` is not recorded: repeat the call. */
export async function migrateUp({
  url,
  log,
  directory = MIGRATIONS_DIRECTORY,
  maxLockAttempts = MAX_LOCK_ATTEMPTS,
}: {
  url: string;
  log: Log;
  directory?: string;
  maxLockAttempts?: number;
}): Promise<string[]> {
  return withLock(url, async (client) => {
    await client.query(BOOKS);
    const files = await readFiles(directory);
    const status = await compare(client, files);
    for (const { name, state } of status) {
      if (state === 'edited')
        throw new MigrationError(
          `${name} was changed after it was applied; restore the file and put the change into a new migration`,
        );
      if (state === 'failed')
        throw new MigrationError(`${name} failed earlier; see its logs in _prisma_migrations. ${howToRepeat(name)}`);
      if (state === 'unknown') log.warn({ migration: name }, 'migration.unknown');
    }
    const pending = files.filter(({ name }) => status.find((one) => one.name === name)?.state === 'pending');
    for (const file of pending) {
      await apply({ client, log, maxLockAttempts }, file);
      log.info({ migration: file.name }, 'migration.applied');
    }
    return pending.map(({ name }) => name);
  });
}

/** Returns the state of each migration, including those without a file here. Changes nothing. */
export async function migrationStatus({
  url,
  directory = MIGRATIONS_DIRECTORY,
}: {
  url: string;
  directory?: string;
}): Promise<MigrationStatus[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'posthorn migrate' });
  await client.connect();
  try {
    return await compare(client, await readFiles(directory));
  } finally {
    await client.end();
  }
}

/** Returns the names of pending migrations. An app does not start, or is not ready, while there are any. */
export async function pendingMigrations(pool: pg.Pool, directory = MIGRATIONS_DIRECTORY): Promise<string[]> {
  const status = await compare(pool, await readFiles(directory));
  return status.filter(({ state }) => state === 'pending' || state === 'failed').map(({ name }) => name);
}

async function withLock<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  if ((await readPooling(url)) !== 'session')
    throw new MigrationError(
      'Migrations need a session, but the database URL points to a connection pooler in transaction mode: set DATABASE_DIRECT_URL to the URL of Postgres itself.',
    );
  // One connection for everything: the lock belongs to the session and is released when the session ends.
  const client = new pg.Client({ connectionString: url, application_name: 'posthorn migrate' });
  await client.connect();
  try {
    await takeLock(client);
    await client.query(`SET default_transaction_isolation = 'read committed'`);
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Polls instead of waiting in Postgres. CREATE INDEX CONCURRENTLY waits for all running statements, so it and a
 *  statement that waits for this lock would deadlock. */
async function takeLock(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [LOCK]);
    if (rows[0]?.locked) return;
    await delay(200);
  }
}

interface Application {
  client: pg.Client;
  log: Log;
  maxLockAttempts: number;
}

async function apply(application: Application, file: MigrationFile): Promise<void> {
  const { client } = application;
  const id = randomUUID();
  // Insert the row before and outside the transaction, so that a failure leaves a record.
  await client.query('INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [
    id,
    file.checksum,
    file.name,
  ]);
  await (isOutsideTransaction(file.sql) ? applyByStatement : applyInTransaction)(application, file, id);
}

async function applyInTransaction(application: Application, file: MigrationFile, id: string): Promise<void> {
  const { client } = application;
  const { name, sql } = file;
  try {
    await whenUnlocked(application, name, async (lockTimeout) => {
      try {
        await client.query(`BEGIN; SET LOCAL lock_timeout = '${lockTimeout}'`);
        await client.query(sql);
        await recordEnd(client, id);
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      }
    });
  } catch (error) {
    const reason = reasonOf(error);
    if (isLocked(error)) {
      await forget(client, id);
      throw new MigrationError(`${name} was rolled back: ${reason}. ${HOW_TO_UNLOCK}`, { cause: error });
    }
    await recordFailure(client, id, reason);
    throw new MigrationError(`${name} failed and was rolled back: ${reason}`, { cause: error });
  }
}

async function applyByStatement(application: Application, { name, sql }: MigrationFile, id: string): Promise<void> {
  const { client } = application;
  let current = '';
  try {
    const statements = splitStatements(sql);
    for (const [index, statement] of statements.entries()) {
      const placeOf = (text: string) =>
        ` at statement ${index + 1} of ${statements.length} (${text.replace(/\s+/g, ' ')})`;
      current = placeOf(statement);
      for (const one of await repeatForPartitions(client, statement)) {
        current = placeOf(one);
        await whenUnlocked(application, name, async (lockTimeout) => {
          // A concurrent statement waits for older transactions and blocks no reads or writes meanwhile.
          await client.query(`SET lock_timeout = '${/\bCONCURRENTLY\b/i.test(one) ? '0' : lockTimeout}'`);
          await client.query(one);
        });
      }
    }
    await recordEnd(client, id);
  } catch (error) {
    const reason = `failed${current}: ${reasonOf(error)}`;
    const whatStays = current === '' ? 'No statement ran.' : 'The earlier statements were applied.';
    if (isLocked(error)) await forget(client, id);
    else await recordFailure(client, id, reason);
    const next = isLocked(error) ? HOW_TO_UNLOCK : howToRepeat(name);
    throw new MigrationError(`${name} ${reason}. ${whatStays} ${next}`, { cause: error });
  }
}

/** Everyone who uses a table waits behind a waiting lock. So each attempt waits briefly, and nobody waits between two
 *  attempts. Postgres cancels an autovacuum that has blocked a lock for a second: some attempts wait for that. */
const lockTimeoutOf = (attempt: number): string => (attempt % 10 === 0 ? '1500ms' : '200ms');
/** Takes 80 s if another transaction keeps its lock. */
const MAX_LOCK_ATTEMPTS = 60;
const PAUSE_MS = 1_000;

/** Repeats `work` until it gets its locks. Throws its last error if it never does, and any other error at once. */
async function whenUnlocked(
  { log, maxLockAttempts }: Application,
  migration: string,
  work: (lockTimeout: string) => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(lockTimeoutOf(attempt));
    } catch (error) {
      if (!isLocked(error) || attempt >= maxLockAttempts) throw error;
      log.info({ migration, attempt }, 'migration.locked_out');
      await delay(PAUSE_MS);
    }
  }
}

const isLocked = (error: unknown): boolean => error instanceof pg.DatabaseError && error.code === '55P03';

/** Returns the statement once for each current partition of `events`, which replaces `{events}`. */
async function repeatForPartitions(client: pg.Client, statement: string): Promise<string[]> {
  const [placeholder, table] = /\{([a-z_]+)\}/.exec(statement) ?? [];
  if (!placeholder || !table) return [statement];
  const { rows } = await client.query<{ partition: string }>(
    'SELECT inhrelid::regclass::text AS partition FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1',
    [table],
  );
  return rows.map(({ partition }) => statement.replaceAll(placeholder, partition));
}

const recordEnd = (client: pg.Client, id: string) =>
  client.query('UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE id = $1', [id]);

/** The file is pending again. */
const forget = (client: pg.Client, id: string) => client.query('DELETE FROM _prisma_migrations WHERE id = $1', [id]);

const recordFailure = (client: pg.Client, id: string, reason: string) =>
  client.query('UPDATE _prisma_migrations SET logs = $2 WHERE id = $1', [id, reason]);

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const HOW_TO_UNLOCK =
  'Another transaction uses the table: wait until it ends, or end it (see pg_stat_activity), and run this again.';

const howToRepeat = (name: string): string =>
  `Fix the cause, delete its row (DELETE FROM _prisma_migrations WHERE migration_name = '${name}' AND finished_at IS NULL), and run ` +
  'this again: it repeats the file from its first statement.';

async function readFiles(directory: string): Promise<MigrationFile[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.toSorted().map(async (name) => {
      const sql = await readFile(join(directory, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function compare(client: pg.Client | pg.Pool, files: MigrationFile[]): Promise<MigrationStatus[]> {
  const { rows: books } = await client.query<{ known: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS known`,
  );
  const { rows } = books[0]?.known
    ? await client.query<{ name: string; checksum: string; finishedAt: Date | null }>(
        `SELECT migration_name AS name, checksum, finished_at AS "finishedAt" FROM _prisma_migrations
         WHERE rolled_back_at IS NULL ORDER BY started_at`,
      )
    : { rows: [] };
  const rowByName = new Map(rows.map((row) => [row.name, row]));
  const known = files.map(({ name, checksum }): MigrationStatus => {
    const row = rowByName.get(name);
    if (!row) return { name, state: 'pending', finishedAt: null };
    const state = row.finishedAt === null ? 'failed' : row.checksum === checksum ? 'applied' : 'edited';
    return { name, state, finishedAt: row.finishedAt };
  });
  const names = new Set(files.map(({ name }) => name));
  const unknown = rows.filter(({ name }) => !names.has(name));
  return [
    ...known,
    ...unknown.map(({ name, finishedAt }): MigrationStatus => ({ name, state: 'unknown', finishedAt })),
  ];
}
