import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve } from '@hono/node-server';
import { findFreePort } from '@posthorn/embedded';
import { endProcess, openEndpoint, waitFor } from '@posthorn/testing';
import { rolldown } from 'rolldown';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { blocksFor, blocksOf } from './docs-blocks.js';
import { it } from './shared-stack.js';

// The snippets of the client's pages, run as they are.
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'e2e', `snippets-${process.pid}`); // inside the clone, so that its packages are found
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const CHALLENGE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

interface Snippet {
  name: string;
  file: string;
  code: string;
}
const snippets: Snippet[] = [...blocksFor('e2e/sdk-docs.test.ts'), ...blocksOf('packages/client/README.md')]
  .filter(({ language }) => language === 'ts')
  .map(({ page, line, code }) => ({
    name: `${page}:${line}`,
    file: `${page.replaceAll(/\W/g, '-')}-${line}`,
    code,
  }));
const servers = snippets.filter(({ code }) => code.includes('3000'));
const handlers = snippets.filter(({ code }) => /export (const POST|async function receive)/.test(code));
const calls = snippets.filter((snippet) => !servers.includes(snippet) && !handlers.includes(snippet));

const running: ChildProcess[] = [];
beforeAll(() => mkdirSync(folder));
afterAll(async () => {
  await Promise.all(running.map(endProcess));
  rmSync(folder, { recursive: true, force: true });
});

/** Returns the path of the snippet as JavaScript. */
async function compile({ file, code }: Snippet): Promise<string> {
  const input = join(folder, `${file}.ts`);
  writeFileSync(input, code);
  const build = await rolldown({ input, external: /^[^./]/ });
  const output = join(folder, `${file}.mjs`);
  await build.write({ file: output });
  await build.close();
  return output;
}

/** Returns the process, and what it prints. */
async function start(snippet: Snippet, env: Record<string, string>) {
  const child = spawn(process.execPath, [await compile(snippet)], { env: { ...process.env, ...env }, stdio: 'pipe' });
  running.push(child);
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said.text += text));
  return { child, said };
}

it('the pages have the snippets that are run here', () => {
  expect([calls.length, servers.length, handlers.length]).toEqual([6, 4, 2]);
});

it('every snippet passes the type checker', () => {
  for (const { file, code } of snippets) writeFileSync(join(folder, `${file}.ts`), `${code}\nexport {};\n`);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: 'nodenext',
    target: 'es2023',
    types: ['node'],
    skipLibCheck: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  try {
    execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  } catch (error) {
    throw new Error(String((error as { stdout?: string }).stdout), { cause: error });
  }
});

describe('calls', () => {
  it.beforeAll(({ sharedStack }) => sharedStack.call('PUT', '/v1/accounts/acme', {}));

  // What a snippet prints, by a word of it.
  const PRINTS: [RegExp, RegExp][] = [
    [/subscriptions\.create/, /^unverified\nwhsec_\nhttp.*#token=/],
    [/successRate/, /^(null|[\d.]+)\n$/],
    [/no:such/, /path: 'event'/],
  ];
  it.for(calls)('$name runs', async (snippet, { sharedStack: stack }) => {
    const endpoint = await openEndpoint();
    const env = { POSTHORN_URL: stack.apiUrl, POSTHORN_API_KEY: stack.operatorKey, WEBHOOK_URL: endpoint.url };
    const { child, said } = await start(snippet, env);
    const [code] = await once(child, 'close');
    await endpoint.close();
    const [, prints = /^$/] = PRINTS.find(([word]) => word.test(snippet.code)) ?? [];
    expect([code, said.text]).toEqual([0, expect.stringMatching(prints)]);
    if (!snippet.code.includes("event: 'message:created'")) return;
    const { data } = await stack.call<{ data: { event: string }[] }>('GET', '/v1/accounts/acme/events');
    expect(data[0]?.event).toBe('message:created');
  });
});

/** What the endpoint returns to a handshake, a signed event and a forged one. */
async function tryEndpoint(url: string): Promise<unknown[]> {
  const post = async (body: string, headers: Record<string, string> = {}) => {
    const type = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', body, headers: { ...type, ...headers } });
    return [response.status, await response.text()];
  };
  const body = '{"event":"message:created","payload":{"id":"m_1","body":"Grüße"}}';
  const at = new Date();
  const signed = {
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(SECRET).sign('evt_1', at, body),
  };
  const handshake = await post(`{"event":"webhook:verify","payload":"${CHALLENGE}"}`);
  const [forged] = await post(body, { ...signed, 'webhook-id': 'evt_2' });
  return [...handshake, ...(await post(body, signed)), forged];
}
const RETURNED = [200, CHALLENGE, 204, '', 401];

describe('endpoints', () => {
  it.each(servers)('$name passes the handshake, and takes only signed events', async (snippet) => {
    const port = await findFreePort();
    const code = snippet.code.replace('3000', String(port));
    const { said } = await start({ ...snippet, code }, { WEBHOOK_SECRET: SECRET });
    const url = `http://localhost:${port}/webhook`;
    await waitFor(() => fetch(url).then(Boolean, () => false), { what: said.text || 'the endpoint' });
    expect(await tryEndpoint(url)).toEqual(RETURNED);
    await waitFor(() => said.text === 'evt_1 Grüße\n');
  });

  it.each(handlers)('$name passes the handshake, and takes only signed events', async (snippet) => {
    vi.stubEnv('WEBHOOK_SECRET', SECRET);
    const { POST, receive = POST } = await import(await compile(snippet));
    // As a runtime does when a handler throws.
    const refuse = ({ name }: Error) => new Response(null, { status: name === 'WebhookVerificationError' ? 401 : 500 });
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const port = await findFreePort();
    const fetch = (request: Request): Promise<Response> => receive(request).catch(refuse);
    const server = serve({ fetch, hostname: '127.0.0.1', port });
    try {
      expect(await tryEndpoint(`http://127.0.0.1:${port}/`)).toEqual(RETURNED);
      expect(log.mock.calls[0]?.[0]).toBe('evt_1');
    } finally {
      log.mockRestore();
      vi.unstubAllEnvs();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
