import type { CreateKey, Key } from '@posthorn/client';
import { readPages } from '../api/read-pages.js';
import { confirm } from '../input/confirm.js';
import { fields } from '../output/table.js';
import type { ApiCall } from './context.js';
import { type ListOptions, printList } from './print-resource.js';

export async function listKeys({ api, options, terminal }: ApiCall<ListOptions>): Promise<void> {
  const account = await api.account();
  const page = await readPages<Key>(options, (at) => api.client.keys.list(account, at).page());
  printList(terminal, page, [
    ['ID', ({ id }) => id],
    ['NAME', ({ name }) => name],
    ['SCOPES', ({ scopes }) => scopes.join(' ')],
    ['LAST USED', ({ lastUsedAt }) => lastUsedAt],
  ]);
}

export async function createKey({
  api,
  options,
  terminal,
}: ApiCall<{ name: string; scope?: string[] }>): Promise<void> {
  const { name, scope } = options;
  const account = await api.account();
  // The API checks the scopes and lists the valid ones.
  const created = await api.client.keys.create(account, {
    name,
    ...(scope && { scopes: scope as NonNullable<CreateKey['scopes']> }),
  });
  terminal.result(created, () =>
    fields(
      [
        ['id', created.id],
        ['name', created.name],
        ['scopes', created.scopes.join(' ')],
        ['key', created.key],
      ],
      terminal.paint,
    ),
  );
  if (!terminal.isJson) terminal.note('Store the key now: it is not shown again.');
}

export async function revokeKey({
  api,
  args: [id = ''],
  options,
  terminal,
}: ApiCall<{ yes?: boolean }>): Promise<void> {
  const account = await api.account();
  await confirm(`Revoke the key ${id} of ${account}?`, options.yes);
  await api.client.keys.revoke(account, id);
  terminal.result({ id, revoked: true }, () => `Revoked ${id}.`);
}
