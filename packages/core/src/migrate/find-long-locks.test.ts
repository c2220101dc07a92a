import { readdir, readFile } from 'node:fs/promises';
import { expect, it, test } from 'vitest';
import { findLongLocks } from './find-long-locks.js';

it.each([
  'CREATE INDEX a ON events (id)',
  'CREATE UNIQUE INDEX a ON attempts (id)',
  'DROP INDEX attempts_verification_idx',
  'ALTER TABLE attempts ALTER COLUMN error TYPE varchar(9)',
  'ALTER TABLE pending_deliveries ALTER event_type SET NOT NULL',
  'ALTER TABLE events ADD COLUMN made_at timestamptz DEFAULT clock_timestamp()',
  'ALTER TABLE events ADD made_at timestamptz NOT NULL',
  'ALTER TABLE finished_deliveries ADD CONSTRAINT a CHECK (attempt_count >= 0)',
  'ALTER TABLE attempts ADD FOREIGN KEY (account_id) REFERENCES accounts (id)',
  'LOCK TABLE events',
  'VACUUM FULL attempts',
  'update events\n  set suppressed = false',
])('a migration that would hold the product up is named, with what to do instead: %s', (sql) => {
  expect(findLongLocks(`-- of ${sql}\nSELECT 1;\n${sql};`)).toHaveLength(1);
});

it.each([
  'CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON events (id)',
  'DROP INDEX CONCURRENTLY IF EXISTS attempts_verification_idx',
  'ALTER TABLE events ADD COLUMN priority integer',
  "ALTER TABLE events ADD COLUMN source text NOT NULL DEFAULT 'api'",
  'ALTER TABLE events ADD COLUMN weight integer DEFAULT 1',
  'ALTER TABLE finished_deliveries ADD CONSTRAINT a CHECK (attempt_count >= 0) NOT VALID',
  'ALTER TABLE finished_deliveries VALIDATE CONSTRAINT a',
  'CREATE INDEX a ON subscriptions (id)',
  'CREATE TABLE fan_outs (id uuid PRIMARY KEY, event_id uuid NOT NULL)',
  '-- CREATE INDEX a ON events (id)',
])('one that would not is none: %s', (sql) => {
  expect(findLongLocks(`${sql};`)).toEqual([]);
});

test('no migration after the baseline holds publishing or delivering up', async () => {
  const directory = new URL('../../../../prisma/migrations/', import.meta.url);
  const names = (await readdir(directory)).filter((name) => /^\d+_/.test(name) && !name.endsWith('_baseline'));
  const found = await Promise.all(
    names.map(async (name) => findLongLocks(await readFile(new URL(`${name}/migration.sql`, directory), 'utf8'))),
  );
  expect(found.flat()).toEqual([]);
});
