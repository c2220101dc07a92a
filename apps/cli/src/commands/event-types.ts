import type { EventType } from '@posthorn/client';
import { readPages } from '../api/read-pages.js';
import { confirm } from '../input/confirm.js';
import { readJsonObject, readJsonText } from '../input/read-values.js';
import { EXIT, PlainError } from '../plain-error.js';
import type { ApiCall } from './context.js';
import { type ListOptions, printList, printOne } from './print-resource.js';

const typeFields = (type: EventType) =>
  [
    ['name', type.name],
    ['description', type.description],
    ['deprecated', type.deprecated],
    ['enforcement', type.enforcement],
    ['schema version', type.schemaVersion],
    ['example', JSON.stringify(type.example)],
    ['schema', JSON.stringify(type.schema)],
  ] as const;

export async function listEventTypes({ api, options, terminal }: ApiCall<ListOptions>): Promise<void> {
  const page = await readPages<EventType>(options, (at) => api.client.eventTypes.list(at).page());
  printList(terminal, page, [
    ['NAME', ({ name }) => name],
    ['DEPRECATED', ({ deprecated }) => (deprecated ? 'yes' : 'no')],
    ['DESCRIPTION', ({ description }) => description],
  ]);
}

export async function getEventType({ api, args: [name = ''], terminal }: ApiCall): Promise<void> {
  printOne(terminal, await api.client.eventTypes.get(name), typeFields);
}

export async function putEventType({
  api,
  args: [name = ''],
  options,
  terminal,
}: ApiCall<{
  description?: string;
  example?: string;
  schema?: string;
  deprecated?: boolean;
  enforce?: boolean;
}>): Promise<void> {
  const { description, example, schema, deprecated, enforce } = options;
  const type = await api.client.eventTypes.put(name, {
    ...(description !== undefined && { description }),
    ...(example !== undefined && { example: readJsonObject(example, '--example') }),
    ...(schema !== undefined && { schema: readJsonObject(schema, '--schema') }),
    ...(deprecated && { deprecated }),
    ...(enforce && { enforcement: 'reject' as const }),
  });
  printOne(terminal, type, typeFields);
}

export async function importEventTypes({
  api,
  args: [file = ''],
  options: { dryRun = false },
  terminal,
}: ApiCall<{ dryRun?: boolean }>): Promise<void> {
  const document: unknown = JSON.parse(readJsonText(file, 'FILE'));
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new PlainError(`FILE: ${file} is not an OpenAPI document. It must be a JSON object.`, {
      exitCode: EXIT.usage,
    });
  }
  const imported = await api.client.eventTypes.import({ ...document }, { dryRun });
  terminal.result(imported, () => {
    const { created, updated, unchanged, refused } = imported;
    return [
      ...created.map((name) => `created    ${name}`),
      ...updated.map((name) => `updated    ${name}`),
      ...unchanged.map((name) => `unchanged  ${name}`),
      ...refused.map(({ name, reason }) => `refused    ${name}: ${reason}`),
    ].join('\n');
  });
  if (dryRun) terminal.note('A dry run: nothing was changed.');
}

export async function deleteEventType({
  api,
  args: [name = ''],
  options,
  terminal,
}: ApiCall<{ yes?: boolean }>): Promise<void> {
  await confirm(`Delete the event type ${name}?`, options.yes);
  await api.client.eventTypes.delete(name);
  terminal.result({ name, deleted: true }, () => `Deleted ${name}.`);
}
