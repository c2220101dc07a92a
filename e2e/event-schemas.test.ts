import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeScratchFolder } from '@posthorn/testing';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { blocksFor } from './docs-blocks.js';
import { type Cli, openCli } from './run-cli.js';
import { type Stack, startStack } from './stack.js';

// The section Schemas of docs/events.md, block by block.
const [enforce, publish, refused, document, dryRun, importByCli] = blocksFor('e2e/event-schemas.test.ts').map(
  ({ code }) => code,
);

let stack: Stack;
let cli: Cli;
const folder = makeScratchFolder();
beforeAll(async () => {
  stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres', workers: 0 });
  cli = openCli({ POSTHORN_URL: stack.apiUrl, POSTHORN_API_KEY: stack.operatorKey });
  await stack.call('PUT', '/v1/accounts/acme', { name: 'Acme' });
  writeFileSync(join(folder, 'openapi.json'), document ?? '');
});
afterAll(async () => {
  await cli?.close();
  await stack?.stop();
});

async function inShell(code = ''): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-euc', code.replaceAll('https://hooks.example.com', stack.apiUrl)],
    { cwd: folder, env: { ...process.env, POSTHORN_API_KEY: stack.operatorKey } },
  );
  return JSON.parse(stdout) as Record<string, unknown>;
}

it('an enforced schema refuses an event that does not match, as the documentation shows', async () => {
  expect(await inShell(enforce)).toMatchObject({ schemaVersion: 1, enforcement: 'reject' });
  expect(await inShell(publish)).toMatchObject(JSON.parse(refused ?? '') as object);
  const body = JSON.stringify({ event: 'invoice:paid', payload: { id: 'in_2', lines: [{ amount: 1200 }] } });
  expect(await stack.publish('acme', body)).toMatchObject({ event: 'invoice:paid' });
});

it('imports event types from an OpenAPI document, by the API and the CLI, and enforces them', async () => {
  const plan = { created: ['order:shipped'], updated: [], unchanged: [], refused: [] };
  expect(await inShell(dryRun)).toEqual({ dryRun: true, ...plan });
  const args =
    importByCli
      ?.trim()
      .split(' ')
      .slice(1)
      .map((arg) => (arg === 'openapi.json' ? join(folder, arg) : arg)) ?? [];
  expect(await cli.json(args)).toEqual({ dryRun: true, ...plan });
  expect(await inShell(dryRun?.replace('?dryRun=true', ''))).toEqual({ dryRun: false, ...plan });
  const imported = await stack.call<{ schema: object; example: object; description: string }>(
    'GET',
    '/v1/event-types/order:shipped',
  );
  expect(imported).toMatchObject({
    description: 'An order left the warehouse.',
    example: { id: 'or_1' },
    schema: { $ref: '#/$defs/Order' },
    schemaVersion: 1,
    enforcement: 'off',
  });
  const printed = await cli.run(args.filter((arg) => arg !== '--dry-run'));
  expect([printed.code, printed.stdout]).toEqual([0, 'unchanged  order:shipped\n']);

  const { schema, example, description } = imported;
  await stack.call('PUT', '/v1/event-types/order:shipped', { schema, example, description, enforcement: 'reject' });
  const post = (payload: object) =>
    stack.publish('acme', JSON.stringify({ event: 'order:shipped', payload })).catch((error: unknown) => String(error));
  expect(await post({ id: 'or_2' })).toMatchObject({ event: 'order:shipped' });
  expect(await post({ number: 2 })).toContain('schema_mismatch');
});
