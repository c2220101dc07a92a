import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { cloneDatabase } from './clone-database.js';

test('cloneDatabase: two clones are databases of their own, and a dropped one is gone though somebody is connected', async () => {
  const [one, other] = await Promise.all([1, 2].map(() => cloneDatabase(inject('templateDatabaseUrl'))));
  if (!one || !other) throw new Error('two were asked for');
  const client = new pg.Client({ connectionString: one.url });
  client.on('error', () => undefined); // being cut off is the point
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
