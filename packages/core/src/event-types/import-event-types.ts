import { setImmediate as nextTurn } from 'node:timers/promises';
import { PutEventType } from '@posthorn/contract';
import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { checkSchema } from './check-schema.js';
import { compileSchema } from './compile-schema.js';
import { lockCatalogue, type NewEventType, putEventTypes } from './put-event-types.js';
import { type DescribedType, readWebhooks, type RefusedWebhook } from './read-webhooks.js';

export interface ImportedTypes {
  created: string[];
  updated: string[];
  unchanged: string[];
  refused: RefusedWebhook[];
}

export type ImportResult =
  | ({ outcome: 'imported' } & ImportedTypes)
  /** A dry run, or a webhook is refused: nothing was changed. */
  | ({ outcome: 'planned' } & ImportedTypes)
  | { outcome: 'not_openapi'; path: string; message: string };

/** Creates and changes the event types that an OpenAPI 3.1 document describes in `webhooks`: all of them, or none. Other types stay. So
 *  do the enforcement of a type, and its description, example and schema if the document has none.
 *  Repeating is safe: the second import changes nothing. */
export async function importEventTypes(
  { db }: Pick<Deps, 'db'>,
  { document, isDryRun }: { document: Record<string, unknown>; isDryRun: boolean },
): Promise<ImportResult> {
  const read = readWebhooks(document);
  if (read.outcome === 'not_openapi') return read;
  const { types, refused } = await withoutFaults(read.types, read.refused);
  return inTransaction(db.pool, async (client) => {
    await lockCatalogue(client);
    const { rows } = await client.query<NewEventType>(
      'SELECT name, description, example, schema, deprecated, enforcement FROM event_types WHERE name = ANY ($1::text[])',
      [types.map(({ name }) => name)],
    );
    const current = new Map(rows.map((row) => [row.name, row]));
    const plan: ImportedTypes = { created: [], updated: [], unchanged: [], refused };
    const changed: NewEventType[] = [];
    for (const described of types) {
      const before = current.get(described.name);
      const after = merge(described, before);
      const reason = await whyNotEnforceable(after);
      if (reason !== null) plan.refused.push({ name: after.name, reason });
      else if (before && isSame(before, after)) plan.unchanged.push(after.name);
      else {
        (before ? plan.updated : plan.created).push(after.name);
        changed.push(after);
      }
    }
    if (isDryRun || plan.refused.length > 0) return { outcome: 'planned', ...plan };
    if (changed.length > 0) await putEventTypes(client, changed);
    return { outcome: 'imported', ...plan };
  });
}

/** Yields to the event loop between schemas, because checking one may take 100 ms. */
async function withoutFaults(
  types: DescribedType[],
  unread: RefusedWebhook[],
): Promise<{ types: DescribedType[]; refused: RefusedWebhook[] }> {
  const good: DescribedType[] = [];
  const refused = [...unread];
  for (const type of types) {
    await nextTurn();
    const reason = faultOf(type);
    if (reason === null) good.push(type);
    else refused.push({ name: type.name, reason });
  }
  return { types: good, refused };
}

function faultOf({ description, example, schema, deprecated }: DescribedType): string | null {
  const [issue] = PutEventType.safeParse({ description, example, schema, deprecated }).error?.issues ?? [];
  if (issue) return `its ${issue.path.join('.')} ${issue.message}`;
  return schemaFaultOf(schema, { isEnforced: false });
}

function schemaFaultOf(schema: object | null, { isEnforced }: { isEnforced: boolean }): string | null {
  const fault = schema && checkSchema({ ...schema }, { isEnforced });
  return fault ? `its schema${fault.pointer && ` at ${fault.pointer}`} ${fault.message}` : null;
}

const merge = (described: DescribedType, before: NewEventType | undefined): NewEventType => ({
  name: described.name,
  description: described.description ?? before?.description ?? null,
  example: described.example ?? before?.example ?? null,
  schema: described.schema ?? before?.schema ?? null,
  deprecated: described.deprecated,
  enforcement: before?.enforcement ?? 'off',
});

async function whyNotEnforceable({ schema, example, enforcement }: NewEventType): Promise<string | null> {
  if (enforcement === 'off' || schema === null) return null;
  await nextTurn();
  const fault = schemaFaultOf(schema, { isEnforced: true });
  if (fault !== null) return fault;
  const [issue] = example === null ? [] : compileSchema({ ...schema })(example);
  return issue
    ? `its schema is enforced, and example${issue.path.map((key) => `.${key}`).join('')} ${issue.message}`
    : null;
}

const FIELDS = ['description', 'example', 'schema', 'deprecated'] as const;
const isSame = (a: NewEventType, b: NewEventType): boolean =>
  FIELDS.every((field) => JSON.stringify(a[field]) === JSON.stringify(b[field]));
