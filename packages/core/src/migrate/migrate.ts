import { createHash, randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { Log } from '../log.js';
import { readPooling } from '../pooling/read-pooling.js';
import { splitStatements } from './split-statements.js';

/** Applies prisma/migrations without Prisma's engine (a binary that it downloads), and keeps the books in the same table
 *  with the same meaning: who has the engine may use `prisma migrate deploy` on the same database. */

const MIGRATIONS_DIRECTORY = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));

/** The lock that Prisma's engine takes as well, so that the two never run at once. */
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
  /** edited: applied, and its file was changed since · unknown: applied, and there is no such file here */
  state: MigrationState;
  finishedAt: Date | null;
}

/** A reason to stop that a person must see to; its message says how to go on. */
export class MigrationError extends Error {}

/** Applies what is pending, in order of name, each file in a transaction together with its entry in the books (but see split-statements.ts
 *  for files that run outside of one). Many may
 *  call it at once: one works, the others wait and find nothing to do. Returns the names it applied. Throws
 *  MigrationError for an edited file, a failed one, and one that fails now (which leaves nothing of itself behind). */
export async function migrateUp({
  url,
  log,
  directory = MIGRATIONS_DIRECTORY,
}: {
  url: string;
  log: Log;
  directory?: string;
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
        throw new MigrationError(
          `${name} failed earlier; see its logs in _prisma_migrations, mend the cause, delete that row, and run this again`,
        );
      if (state === 'unknown') log.warn({ migration: name }, 'migration.unknown');
    }
    const pending = files.filter(({ name }) => status.find((one) => one.name === name)?.state === 'pending');
    for (const file of pending) {
      await apply(client, file);
      log.info({ migration: file.name }, 'migration.applied');
    }
    return pending.map(({ name }) => name);
  });
}

/** How each migration stands, those without a file here included. Changes nothing. */
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

/** The names of what is not applied yet: an app refuses to start, or says it is not ready, while there are any. */
export async function pendingMigrations(pool: pg.Pool, directory = MIGRATIONS_DIRECTORY): Promise<string[]> {
  const status = await compare(pool, await readFiles(directory));
  return status.filter(({ state }) => state === 'pending' || state === 'failed').map(({ name }) => name);
}

async function withLock<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  if ((await readPooling(url)) !== 'session')
    throw new MigrationError(
      'Migrations need a session, and the database URL leads to a connection pooler in transaction mode: set DATABASE_DIRECT_URL to the URL of Postgres itself.',
    );
  // One connection for all: the lock belongs to the session, and the session's end releases it whatever happens.
  const client = new pg.Client({ connectionString: url, application_name: 'posthorn migrate' });
  await client.connect();
  try {
    await takeLock(client);
    await client.query(`SET lock_timeout = '5s'; SET default_transaction_isolation = 'read committed'`);
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Asks again and again. A statement that waits for the lock would hold a snapshot meanwhile, and CREATE INDEX CONCURRENTLY waits for
 *  whoever holds one: the two would wait for each other. */
async function takeLock(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ isOurs: boolean }>('SELECT pg_try_advisory_lock($1) AS "isOurs"', [LOCK]);
    if (rows[0]?.isOurs) return;
    await pause(200);
  }
}

async function apply(client: pg.Client, { name, sql, checksum }: MigrationFile): Promise<void> {
  const id = randomUUID();
  // The row is written before and outside of the transaction, so that a failure leaves a trace.
  await client.query('INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [
    id,
    checksum,
    name,
  ]);
  const statements = splitStatements(sql);
  try {
    if (statements) await applyOneByOne(client, statements);
    await client.query('BEGIN');
    if (!statements) await client.query(sql);
    await client.query('UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE id = $1', [
      id,
    ]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    const reason = error instanceof Error ? error.message : String(error);
    await client.query('UPDATE _prisma_migrations SET logs = $2 WHERE id = $1', [id, reason]);
    if (error instanceof StatementError)
      throw new MigrationError(
        `${name} failed at ${reason} What came before it stays, since the file runs outside of a transaction. Mend the cause, ` +
          `delete its row of _prisma_migrations, and run this again: it starts with its first statement.`,
        { cause: error },
      );
    throw new MigrationError(`${name} failed and was rolled back: ${reason}`, { cause: error });
  }
}

/** Says which statement it was. */
class StatementError extends Error {}

async function applyOneByOne(client: pg.Client, statements: string[]): Promise<void> {
  for (const [index, statement] of statements.entries()) {
    await client.query(statement).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StatementError(`statement ${index + 1} of ${statements.length} (${reason}).`, { cause: error });
    });
  }
}

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
