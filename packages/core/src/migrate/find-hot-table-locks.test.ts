import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { findHotTableLocks } from './find-hot-table-locks.js';

const BASELINE = '20261128200000_baseline';
const MIGRATIONS = fileURLToPath(new URL('../../../../prisma/migrations/', import.meta.url));
const sqlOf = (name: string): Promise<string> => readFile(`${MIGRATIONS}${name}/migration.sql`, 'utf8');

test('no migration after the baseline locks a hot table for longer than a moment', async () => {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true });
  const names = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).toSorted();
  expect(names[0]).toBe(BASELINE);
  for (const name of names.slice(1)) {
    expect(findHotTableLocks(await sqlOf(name)), `${name}; see "Changing the schema" in CONTRIBUTING.md`).toEqual([]);
  }
  // The baseline creates its indexes before there are rows. A later migration must not do that.
  expect(findHotTableLocks(await sqlOf(BASELINE))).not.toEqual([]);
});

describe('findHotTableLocks', () => {
  it.each([
    // indexes
    'CREATE INDEX events_type_idx ON events (type)',
    'create unique index if not exists a on only pending_deliveries using btree (id)',
    'CREATE INDEX ON finished_deliveries (id)',
    'CREATE INDEX a ON public."events" (id)',
    'CREATE INDEX a ON events_20261205 (id)',
    'CREATE INDEX a ON earlier_attempts_other (id)',
    'CREATE INDEX {events}_type_idx ON {events} (type)',
    'REINDEX TABLE events',
    // columns
    'ALTER TABLE events ADD COLUMN a uuid DEFAULT gen_random_uuid()',
    'ALTER TABLE events ADD a timestamptz NOT NULL DEFAULT clock_timestamp()',
    'ALTER TABLE events ADD COLUMN a int DEFAULT 1 + floor(random())',
    'ALTER TABLE events ADD COLUMN IF NOT EXISTS a int NOT NULL',
    'ALTER TABLE IF EXISTS ONLY earlier_attempts ADD COLUMN a int, ADD COLUMN b text NOT NULL',
    'ALTER TABLE events ADD COLUMN a int GENERATED ALWAYS AS (delivery_count + 1) STORED',
    'ALTER TABLE events ADD COLUMN a bigserial',
    'ALTER TABLE events ADD COLUMN a int CHECK (a > 0)',
    'ALTER TABLE pending_deliveries ALTER COLUMN event_type SET NOT NULL',
    'ALTER TABLE pending_deliveries ALTER event_type SET NOT NULL',
    'ALTER TABLE earlier_attempts ALTER COLUMN number TYPE bigint',
    'ALTER TABLE earlier_attempts ALTER number SET DATA TYPE bigint USING number + 1',
    // constraints
    'ALTER TABLE earlier_attempts ADD CONSTRAINT a CHECK (number IN (1, 2))',
    'ALTER TABLE earlier_attempts ADD CHECK (number > 0)',
    'ALTER TABLE earlier_attempts ADD FOREIGN KEY (account_id) REFERENCES accounts (id)',
    'ALTER TABLE earlier_attempts DROP COLUMN error, ADD CONSTRAINT a UNIQUE (delivery_id, number)',
    'ALTER TABLE earlier_attempts VALIDATE CONSTRAINT a',
    // others
    'VACUUM FULL events',
    'VACUUM (ANALYZE, FULL) public.earlier_attempts',
    'VACUUM FULL',
    'VACUUM FULL ANALYZE accounts, events',
    'CLUSTER events USING events_pkey',
    'CLUSTER',
    'LOCK TABLE events IN ACCESS EXCLUSIVE MODE',
    'LOCK accounts, pending_deliveries',
    'ALTER TABLE events SET UNLOGGED',
    // at any position
    'CREATE TABLE a (id int); -- a comment;\nCREATE INDEX a_idx\n  ON events (id)',
    'DO $$ BEGIN CREATE INDEX a ON events (id); END $$',
    `DO $$ BEGIN EXECUTE 'ALTER TABLE events ADD COLUMN a int NOT NULL'; END $$`,
    'DO $$ BEGIN LOCK TABLE events; END $$',
  ])('refuses %s', (sql) => expect(findHotTableLocks(`${sql};`)).toHaveLength(1));

  it.each([
    // short locks
    'CREATE INDEX CONCURRENTLY a ON pending_deliveries (id)',
    'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {events}_type_idx ON {events} (type)',
    'CREATE INDEX events_type_idx ON ONLY events (type)',
    'ALTER INDEX events_type_idx ATTACH PARTITION {events}_type_idx',
    'REINDEX TABLE CONCURRENTLY events_other',
    'ALTER TABLE events ADD COLUMN a int',
    `ALTER TABLE events ADD COLUMN a text NOT NULL DEFAULT 'it''s, (a) default', ADD b int DEFAULT -1 NOT NULL`,
    `ALTER TABLE events ADD COLUMN a json NOT NULL DEFAULT '{}'::json, ADD COLUMN b boolean DEFAULT false`,
    'ALTER TABLE events ADD COLUMN a timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP',
    'ALTER TABLE events ADD COLUMN a timestamptz DEFAULT now()',
    'ALTER TABLE events ALTER COLUMN type DROP NOT NULL, ALTER COLUMN type SET DEFAULT gen_random_uuid()',
    'ALTER TABLE earlier_attempts ADD CONSTRAINT a CHECK (number IN (1, 2)) NOT VALID',
    '-- posthorn:no-transaction\nALTER TABLE earlier_attempts VALIDATE CONSTRAINT a',
    'ALTER TABLE pending_deliveries ADD CONSTRAINT a UNIQUE USING INDEX b',
    'ALTER TABLE events DROP COLUMN suppressed',
    'ALTER TABLE pending_deliveries SET (fillfactor = 70)',
    'DROP INDEX events_type_idx',
    'VACUUM events',
    'VACUUM (ANALYZE) events',
    // other tables
    'CREATE INDEX a ON accounts (id)',
    'CREATE INDEX events_a ON event_types (name)',
    'CREATE INDEX a ON accounts (events)',
    'CREATE INDEX a ON events_archive (id)',
    'ALTER TABLE subscriptions ALTER COLUMN events SET NOT NULL',
    'ALTER TABLE idempotency_keys ADD COLUMN a int NOT NULL',
    'VACUUM FULL accounts',
    'CLUSTER accounts',
    'LOCK TABLE accounts',
    'SELECT id FROM events WHERE id = $1 FOR UPDATE',
    'CREATE TABLE a (event_id uuid, CHECK (event_id IS NOT NULL))',
    // comments
    '-- CREATE INDEX a ON events (id)',
    '/* LOCK TABLE events; */ SELECT 1',
    'ALTER TABLE events ADD COLUMN a int -- may not be NOT NULL',
  ])('allows %s', (sql) => expect(findHotTableLocks(`${sql};`)).toEqual([]));

  it('names the reason and the statement', () => {
    expect(findHotTableLocks('SELECT 1;\nALTER TABLE events\n  ALTER COLUMN type SET NOT NULL;')).toEqual([
      'SET NOT NULL reads the whole table: ALTER TABLE events ALTER COLUMN type SET NOT NULL',
    ]);
  });
});
