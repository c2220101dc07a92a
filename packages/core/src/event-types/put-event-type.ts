import type { Deps } from '../deps.js';

export interface NewEventType {
  name: string;
  description: string | null;
  example: object | null;
  schema: object | null;
  deprecated: boolean;
}

/** Creates or replaces a type of the catalogue. Concurrent calls for the same type all succeed. Returns whether it
 *  is new. */
export async function putEventType({ db }: Pick<Deps, 'db'>, type: NewEventType): Promise<boolean> {
  const { rows } = await db.pool.query<{ created: boolean }>(
    `INSERT INTO event_types (name, description, example, schema, deprecated) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (name) DO UPDATE SET description = excluded.description, example = excluded.example,
       schema = excluded.schema, deprecated = excluded.deprecated, updated_at = now()
     RETURNING xmax = 0 AS created`,
    [type.name, type.description, json(type.example), json(type.schema), type.deprecated],
  );
  return rows[0]?.created ?? false;
}

const json = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));
