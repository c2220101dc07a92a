import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeScratchFolder } from '@posthorn/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';

// @posthorn/client as npm installs it: its tarball, in a folder outside the clone.
const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);
const folder = makeScratchFolder();
const installed = join(folder, 'node_modules/@posthorn/client');
let files: string[] = [];

beforeAll(async () => {
  const pack = ['pack', '--json', '--workspace', '@posthorn/client', '--pack-destination', folder];
  const { stdout } = await run('npm', pack, { cwd: root });
  const [packed]: { filename: string; files: { path: string }[] }[] = JSON.parse(stdout);
  files = (packed?.files ?? []).map(({ path }) => path);
  mkdirSync(installed, { recursive: true });
  await run('tar', ['xzf', join(folder, packed?.filename ?? ''), '--strip-components', '1', '-C', installed]);
  const { dependencies } = manifest();
  for (const name of Object.keys(dependencies))
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Manifest {
  version: string;
  private?: boolean;
  exports: Record<string, unknown>;
  dependencies: Record<string, string>;
}
const manifest = (): Manifest => JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
const entries = (): string[] => Object.keys(manifest().exports).map((path) => `@posthorn/client${path.slice(1)}`);

it('contains the code, its types, the README and the licence, and nothing else', () => {
  const unexpected = files.filter((path) => !/^(dist\/.+\.(js|d\.ts)|package\.json|README\.md|LICENSE)$/.test(path));
  expect(unexpected).toEqual([]);
  expect(files).toEqual(
    expect.arrayContaining(['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'dist/generated/api.d.ts']),
  );
  expect(files.filter((path) => path.includes('test'))).toEqual([]);
});

it('depends on nothing that npm cannot install, and is not private', () => {
  const { dependencies, private: isPrivate, version } = manifest();
  expect(isPrivate).toBeUndefined();
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  for (const range of Object.values(dependencies)) expect(range).toMatch(/^\^?\d/);
  expect(Object.keys(dependencies).filter((name) => name.startsWith('@posthorn/'))).toEqual([]);
});

it('sends its version', async () => {
  const { VERSION } = await import(join(installed, 'dist/version.js'));
  expect(VERSION).toBe(manifest().version);
});

it('every entry can be imported and required', async () => {
  const program = `${entries()
    .map((entry) => `await import('${entry}');`)
    .join('')}console.log('imported')`;
  writeFileSync(join(folder, 'import.mjs'), program);
  expect((await run(process.execPath, ['import.mjs'], { cwd: folder })).stdout).toBe('imported\n');
  writeFileSync(
    join(folder, 'require.cjs'),
    `new (require('@posthorn/client').Posthorn)({ url: 'http://a', apiKey: 'b' });`,
  );
  await run(process.execPath, ['require.cjs'], { cwd: folder });
});

const CONSUMER = `
import { ApiProblem, type Delivery, Posthorn } from '@posthorn/client';
import { handleWebhook, verify } from '@posthorn/client/webhooks';
import { handleWebhook as inHono } from '@posthorn/client/hono';
import { handleWebhook as inNext } from '@posthorn/client/next';
import { handleWebhook as inExpress } from '@posthorn/client/express';

interface Events { 'message:created': { id: string } }
const posthorn = new Posthorn<Events>({ url: 'https://hooks.example.com', apiKey: 'key' });
export async function main(): Promise<Delivery[]> {
  await posthorn.publish('acme', { event: 'message:created', payload: { id: 'm_1' } });
  // @ts-expect-error -- the type has another payload
  await posthorn.publish('acme', { event: 'message:created', payload: { body: 1 } }).catch(() => {});
  // @ts-expect-error -- an unknown type
  await posthorn.publish('acme', { event: 'message:deleted', payload: { id: 'm_1' } }).catch(() => {});
  await posthorn.subscriptions.create('acme', { url: 'https://a.example', events: ['message:*'] });
  return posthorn.deliveries.list('acme', { status: ['failed'], statusCode: '5xx' }).take(10);
}
export const id: string = verify<Events>('', {}, 'whsec_').payload.id;
export const isProblem = (error: unknown): boolean => error instanceof ApiProblem && error.code === 'not_found';
export const handlers = [handleWebhook, inHono, inNext, inExpress].map(() => 1);
export const POST: (request: Request) => Promise<Response> = inNext<Events>({ secret: 'x', on: { 'message:created': ({ payload }) => payload.id } });
`;

// Not the framework's own types: a consumer without DOM or Node types would need them.
it.each([
  ['bundler', 'packages/client/node_modules/typescript/bin/tsc'],
  ['nodenext', 'node_modules/typescript/bin/tsc'],
])('its types are right for consumers with moduleResolution %s and %s', async (moduleResolution, tsc) => {
  writeFileSync(join(folder, 'consumer.ts'), CONSUMER);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const module = moduleResolution === 'nodenext' ? 'nodenext' : 'esnext';
  const options = {
    module,
    moduleResolution,
    lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
    types: [],
    strict: true,
    noEmit: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['consumer.ts'] }));
  const result = await run(process.execPath, [join(root, tsc), '-p', folder]).catch(
    (error: { stdout: string }) => error,
  );
  expect(result.stdout).toBe('');
});
