import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { cloneDatabase } from './clone-database.js';

test('cloneDatabase: clones are separate databases, and drop removes one even with open connections', async () => {
  const [one, other] = await Promise.all([1, 2].map(() => cloneDatabase(inject('templateDatabaseUrl'))));
  if (!one || !other) throw new Error('a clone is missing');
  const client = new pg.Client({ connectionString: one.url });
  client.on('error', () => undefined); // drop disconnects it
  await client.connect();
  await client.query('create table only_here (id int)');

  const elsewhere = new pg.Client({ connectionString: other.url });
  await elsewhere.connect();
  const { rows } = await elsewhere.query(`select to_regclass('only_here') as found`);
  expect(rows).toEqual([{ found: null }]);

  await one.drop();
  const { rows: left } = await elsewhere.query('select 1 from pg_database where datname = $1', [
    new URL(one.url).pathname.slice(1),
  ]);
  expect(left).toEqual([]);
  await elsewhere.end();
  await other.drop();
});
