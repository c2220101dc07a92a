import type { Account } from '@posthorn/client';
import { confirm } from '../input/confirm.js';
import { readJsonObject } from '../input/read-values.js';
import { fields } from '../output/table.js';
import type { ApiCall } from './context.js';
import { type ListOptions, printList, printOne } from './print-resource.js';
import { readPages } from '../api/read-pages.js';

const accountFields = (account: Account) =>
  [
    ['id', account.id],
    ['name', account.name],
    ['created', account.createdAt],
    ['metadata', JSON.stringify(account.metadata)],
  ] as const;

export async function listAccounts({ api, options, terminal }: ApiCall<ListOptions & { q?: string }>): Promise<void> {
  const { q } = options;
  const page = await readPages<Account>(options, (at) =>
    api.client.accounts.list({ ...at, ...(q !== undefined && { q }) }).page(),
  );
  printList(terminal, page, [
    ['ID', ({ id }) => id],
    ['NAME', ({ name }) => name],
    ['CREATED', ({ createdAt }) => createdAt],
  ]);
}

export async function getAccount({ api, args: [id = ''], terminal }: ApiCall): Promise<void> {
  printOne(terminal, await api.client.accounts.get(id), accountFields);
}

export async function createAccount({
  api,
  args: [id = ''],
  options,
  terminal,
}: ApiCall<{ name?: string; metadata?: string }>): Promise<void> {
  const { name, metadata } = options;
  const account = await api.client.accounts.put(id, {
    ...(name !== undefined && { name }),
    ...(metadata !== undefined && { metadata: readJsonObject(metadata, '--metadata') }),
  });
  printOne(terminal, account, accountFields);
}

export async function deleteAccount({
  api,
  args: [id = ''],
  options,
  terminal,
}: ApiCall<{ yes?: boolean }>): Promise<void> {
  await confirm(`Delete the account ${id} with its subscriptions, events and deliveries?`, options.yes);
  const deleted = await api.client.accounts.delete(id);
  if (!deleted) return terminal.result({ id }, () => `Deleted ${id}.`);
  terminal.result(deleted, () =>
    fields(
      [
        ['id', deleted.id],
        ['deleted', deleted.deletedAt],
        ['erased rows', deleted.erasedRows],
      ],
      terminal.paint,
    ),
  );
}
