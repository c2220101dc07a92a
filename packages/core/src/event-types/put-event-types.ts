import type pg from 'pg';
import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { type Columns, unnest, valuesOf } from '../unnest.js';

export interface NewEventType {
  name: string;
  description: string | null;
  example: object | null;
  schema: object | null;
  deprecated: boolean;
  /** `reject` requires a schema. */
  enforcement: 'off' | 'reject';
}

/** Creates or replaces a type of the catalogue. Concurrent calls for the same type all succeed. Returns whether it
 *  is new. */
export async function putEventType({ db }: Pick<Deps, 'db'>, type: NewEventType): Promise<boolean> {
  return inTransaction(db.pool, async (client) => {
    await lockCatalogue(client);
    return (await putEventTypes(client, [type])).has(type.name);
  });
}

/** Makes other changes of the catalogue wait for the transaction, so that none of them assigns the same version. Publishes and reads do
 *  not wait. */
export async function lockCatalogue(client: pg.PoolClient): Promise<void> {
  await client.query('LOCK TABLE event_type_schemas IN SHARE ROW EXCLUSIVE MODE');
}

const COLUMNS: Columns<NewEventType> = {
  name: ['text', ({ name }) => name],
  description: ['text', ({ description }) => description],
  example: ['text', ({ example }) => json(example)],
  schema: ['text', ({ schema }) => json(schema)],
  deprecated: ['boolean', ({ deprecated }) => deprecated],
  enforcement: ['text', ({ enforcement }) => enforcement],
};

/** Creates or replaces types with different names, in a transaction that called lockCatalogue. A schema that differs from the newest
 *  version gets the next one. Returns the names of the new types. */
export async function putEventTypes(client: pg.PoolClient, types: NewEventType[]): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string; created: boolean }>(
    `WITH newest AS (
       SELECT DISTINCT ON (name) name, version, schema::text AS schema FROM event_type_schemas
       WHERE name = ANY ($1::text[]) ORDER BY name, version DESC
     ),
     input AS (
       SELECT i.*, CASE WHEN i.schema IS NULL THEN NULL WHEN i.schema = n.schema THEN n.version ELSE coalesce(n.version, 0) + 1 END AS version,
         coalesce(n.version, 0) AS newest
       FROM ${unnest(COLUMNS, { alias: 'i', first: 1 })} LEFT JOIN newest n ON n.name = i.name
     ),
     added AS (
       INSERT INTO event_type_schemas (name, version, schema) SELECT name, version, schema::json FROM input WHERE version > newest
     )
     INSERT INTO event_types (name, description, example, schema, schema_version, deprecated, enforcement)
     SELECT name, description, example::json, schema::json, version, deprecated, enforcement FROM input
     ON CONFLICT (name) DO UPDATE SET description = excluded.description, example = excluded.example, schema = excluded.schema,
       schema_version = excluded.schema_version, deprecated = excluded.deprecated, enforcement = excluded.enforcement, updated_at = now()
     RETURNING name, xmax = 0 AS created`,
    valuesOf(COLUMNS, types),
  );
  return new Set(rows.filter(({ created }) => created).map(({ name }) => name));
}

const json = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));
