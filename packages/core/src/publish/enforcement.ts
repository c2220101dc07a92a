import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Deps } from '../deps.js';
import { compileSchema, type Issue, type ValidatePayload } from '../event-types/compile-schema.js';
import type { FrozenEvent } from './freeze-event.js';

/** SQL: the version of its schema that events of a type must match; NULL if none. `t` is the row of event_types. */
export const ENFORCED_VERSION = `CASE WHEN t.enforcement = 'reject' THEN t.schema_version END`;

/** The payload does not match the schema of its type. */
export interface Mismatch {
  outcome: 'schema_mismatch';
  type: string;
  version: number;
  issues: Issue[];
}

/** The schemas that this process validates against, each compiled once per version.
 *
 *  A process knows nothing of a type until the statement that publishes refuses an event because it was not validated against the
 *  enforced version. So types without enforcement cost nothing, and a change applies to the next publish of every process. */
export interface Enforcement {
  /** Returns the version that `check` uses; null if no version of this type is known. */
  versionOf(type: string): number | null;
  /** Returns why the event is refused by the known version; null if it is not. */
  check(frozen: FrozenEvent): Mismatch | null;
  /** Reads again which versions of these types are enforced. Concurrent calls for one type share the work. */
  refresh(types: string[]): Promise<void>;
}

interface Known {
  version: number;
  validate: ValidatePayload;
}

/** More than the types of the largest batch. */
const MAX_KNOWN = 1_000;

export function openEnforcement({ db }: Pick<Deps, 'db'>): Enforcement {
  const known = new Map<string, Known>();
  const loading = new Map<string, Promise<void>>();

  function learn(type: string, entry: Known): void {
    // A Map keeps insertion order, so the one that was learnt first is the first.
    known.delete(type);
    known.set(type, entry);
    const oldest = known.size > MAX_KNOWN ? known.keys().next().value : undefined;
    if (oldest !== undefined) known.delete(oldest);
  }

  async function load(types: string[]): Promise<void> {
    const { rows } = await db.pool.query<{ name: string; version: number; schema: Record<string, unknown> | null }>({
      name: 'load-enforced-schemas',
      // A schema that is known need not be sent again.
      text: `
        SELECT t.name, s.version, CASE WHEN s.version IS DISTINCT FROM k.version THEN s.schema END AS schema
        FROM unnest($1::text[], $2::int[]) AS k (name, version) JOIN event_types t ON t.name = k.name
        JOIN event_type_schemas s ON s.name = t.name AND s.version = ${ENFORCED_VERSION}`,
      values: [types, types.map((type) => known.get(type)?.version ?? null)],
    });
    const enforced = new Set(rows.map(({ name }) => name));
    for (const type of types) if (!enforced.has(type)) known.delete(type);
    for (const { name, version, schema } of rows) {
      if (schema === null) continue;
      learn(name, { version, validate: compileSchema(schema) });
      await nextTurn();
    }
  }

  return {
    versionOf: (type) => (known.size === 0 ? null : (known.get(type)?.version ?? null)),
    check(frozen) {
      const entry = known.size === 0 ? undefined : known.get(frozen.type);
      if (!entry) return null;
      const issues = entry.validate(payloadOf(frozen));
      if (issues.length === 0) return null;
      return { outcome: 'schema_mismatch', type: frozen.type, version: entry.version, issues };
    },
    async refresh(types) {
      const missing = types.filter((type) => !loading.has(type));
      if (missing.length > 0) {
        const loaded = load(missing).finally(() => missing.forEach((type) => loading.delete(type)));
        for (const type of missing) loading.set(type, loaded);
      }
      await Promise.all(types.flatMap((type) => loading.get(type) ?? []));
    },
  };
}

/** The payload of `{"event":"<type>","payload":…}`. */
const payloadOf = ({ type, body }: FrozenEvent): unknown =>
  JSON.parse(body.toString('utf8', `{"event":"${type}","payload":`.length, body.length - 1));
