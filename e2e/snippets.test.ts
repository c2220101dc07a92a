import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '@posthorn/embedded';
import { endProcess, makeScratchFolder, waitFor } from '@posthorn/testing';
import { Webhook } from 'standardwebhooks';
import { afterAll, describe, expect } from 'vitest';
import { it } from './shared-stack.js';
import type { Stack } from './stack.js';

// The snippets that the console shows, run as they are with the toolchains of this machine.
const folder = fileURLToPath(new URL('../apps/console/src/snippets/', import.meta.url));
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');

interface Language {
  /** .ci/run does not install it, because it is large. Default: false. */
  isOptional?: true;
  /** Exits with 0 if the toolchain is installed, with what the snippets need. */
  probe: [command: string, ...args: string[]];
  endpoint?: { file: string; run: (file: string, port: number) => [command: string, ...args: string[]] };
  publish?: { file: string; run: (file: string) => [command: string, ...args: string[]] };
}

const LANGUAGES: Record<string, Language> = {
  curl: {
    probe: ['curl', '--version'],
    publish: { file: 'publish.sh', run: (file) => ['sh', file] },
  },
  'Node.js': {
    probe: ['node', '--version'],
    endpoint: { file: 'endpoint.mjs', run: (file) => ['node', file] },
    publish: { file: 'publish.mjs', run: (file) => ['node', file] },
  },
  Python: {
    probe: ['python3', '--version'],
    endpoint: { file: 'endpoint.py', run: (file) => ['python3', file] },
    publish: { file: 'publish.py', run: (file) => ['python3', file] },
  },
  Go: {
    probe: ['go', 'version'],
    endpoint: { file: 'endpoint.go', run: (file) => [build(file)] },
    publish: { file: 'publish.go', run: (file) => [build(file)] },
  },
  PHP: {
    probe: ['php', '-r', 'exit(function_exists("curl_init") ? 0 : 1);'],
    endpoint: { file: 'endpoint.php', run: (file, port) => ['php', '-S', `127.0.0.1:${port}`, file] },
    publish: { file: 'publish.php', run: (file) => ['php', file] },
  },
  Ruby: {
    probe: ['rackup', '--version'],
    endpoint: { file: 'endpoint.rb', run: (file, port) => ['rackup', '--port', String(port), file] },
  },
  Java: {
    isOptional: true,
    probe: ['java', '--describe-module', 'jdk.compiler'], // a JDK; a JRE cannot run a source file
    endpoint: { file: 'Endpoint.java', run: (file) => ['java', file] },
  },
};

/** `go run` would leave the program behind when it is ended. */
function build(file: string): string {
  const program = join(makeScratchFolder(), 'program');
  execFileSync('go', ['build', '-o', program, file]);
  return program;
}

/** As another library signs. */
function sign(secret: string, body: string, seconds: number): Record<string, string> {
  const signature = new Webhook(secret).sign('msg_1', new Date(seconds * 1000), body);
  return { 'webhook-id': 'msg_1', 'webhook-timestamp': String(seconds), 'webhook-signature': signature };
}

function signWithEmptyKey(body: string): Record<string, string> {
  const seconds = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', '').update(`msg_1.${seconds}.${body}`).digest('base64');
  return { 'webhook-id': 'msg_1', 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` };
}

/** Closes the connection before the body is complete. */
async function hangUp(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.end('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{"event"');
  socket.resume();
  await once(socket, 'close');
}

let stack: Stack;
const running: ChildProcess[] = [];
it.beforeAll(({ sharedStack }) => void (stack = sharedStack));
afterAll(async () => void (await Promise.all(running.map(endProcess))));

describe.each(Object.entries(LANGUAGES))('%s', (name, { isOptional, probe, endpoint, publish }) => {
  const [command, ...args] = probe;
  const isInstalled = spawnSync(command, args).status === 0;
  if (!isInstalled)
    console.warn(
      `SKIPPED: the snippets in ${name} are NOT tested here, since ${command} is not installed, or lacks an extension that they use.`,
    );

  if (process.env['CI'] && !isOptional)
    it('is installed in continuous integration', () => {
      expect(isInstalled).toBe(true);
    });

  // A language without a snippet has no test: only a missing toolchain counts as skipped.
  if (endpoint)
    it.skipIf(!isInstalled)(
      'the endpoint returns the challenge, accepts a signed event, and refuses a forged and an old one',
      async () => {
        const port = await findFreePort();
        const url = `http://127.0.0.1:${port}/`;
        const account = `snippet-${port}`;
        await stack.call('PUT', `/v1/accounts/${account}`, {});
        const path = `/v1/accounts/${account}/subscriptions`;
        const { id } = await stack.call<{ id: string }>('POST', path, { url });
        const { secret } = await stack.call<{ secret: string }>('GET', `${path}/${id}/secret`);
        start(endpoint.run(join(folder, endpoint.file), port), { WEBHOOK_SECRET: secret, PORT: String(port) });
        await waitFor(
          async () =>
            fetch(url, { method: 'POST', body: '{}' }).then(
              () => true,
              () => false,
            ),
          {
            what: `the endpoint in ${name}`,
          },
        );

        await stack.call('POST', `${path}/${id}/verify`, {});
        await waitFor(async () => (await stack.call<{ status: string }>('GET', `${path}/${id}`)).status === 'active', {
          what: 'the verification',
        });
        const event = await stack.publish(
          account,
          '{"event":"message:created","payload":{"id":"m_1","body":"Grüße, 世界"}}',
        );
        await waitFor(async () => (await stack.delivery(account, event.id)).status === 'succeeded', {
          what: 'the delivery',
        });

        const body = '{"event":"message:created","payload":{}}';
        const now = Math.floor(Date.now() / 1000);
        const statusOf = async (headers: Record<string, string>, sent = body) =>
          (
            await fetch(url, {
              method: 'POST',
              body: sent,
              headers: { 'content-type': 'application/json', ...headers },
            })
          ).status;
        expect(await statusOf(sign(secret, body, now))).toBe(200);
        expect(
          await statusOf({
            ...sign(secret, body, now),
            'webhook-signature': `v1,AAAA ${sign(secret, body, now)['webhook-signature']}`,
          }),
        ).toBe(200);
        expect(await statusOf({})).toBe(401);
        expect(await statusOf(sign(`whsec_${Buffer.alloc(24, 7).toString('base64')}`, body, now))).toBe(401);
        expect(await statusOf(sign(secret, body, now), body.replace('{}', '{"a":1}'))).toBe(401);
        expect(await statusOf(sign(secret, body, now - 3_600))).toBe(401);
        const valid = sign(secret, body, now);
        expect(await statusOf({ ...valid, 'webhook-timestamp': 'now' })).toBe(401);
        // As many characters as a signature, but more bytes in UTF-8.
        expect(await statusOf({ ...valid, 'webhook-signature': `v1,${'é'.padEnd(44, 'A')}` })).toBe(401);
        await hangUp(port);
        expect(await statusOf(valid)).toBe(200);
      },
    );

  if (endpoint)
    it.skipIf(!isInstalled)('the endpoint accepts nothing while WEBHOOK_SECRET is empty', async () => {
      const port = await findFreePort();
      const child = start(endpoint.run(join(folder, endpoint.file), port), { WEBHOOK_SECRET: '', PORT: String(port) });
      const body = '{"event":"message:created","payload":{}}';
      const headers = signWithEmptyKey(body);
      const send = () => fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, headers }).catch(() => null);
      let status: number | undefined;
      await waitFor(async () => child.exitCode !== null || (status = (await send())?.status) !== undefined, {
        what: `the endpoint in ${name} to end or to respond`,
      });
      expect(status ?? 500).toBe(500);
    });

  if (publish)
    it.skipIf(!isInstalled)('publishes an event', async () => {
      const account = `publish-${await findFreePort()}`;
      await stack.call('PUT', `/v1/accounts/${account}`, {});
      const project = makeScratchFolder();
      symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(project, 'node_modules'));
      const file = join(project, publish.file);
      writeFileSync(
        file,
        read(publish.file)
          .replaceAll('https://hooks.example.com', stack.apiUrl)
          .replaceAll('/acme/', `/${account}/`)
          .replaceAll("'acme'", `'${account}'`),
      );
      const child = start(publish.run(file), { POSTHORN_API_KEY: stack.operatorKey });
      const [code] = await once(child, 'exit');
      expect(code).toBe(0);
      const { data } = await stack.call<{ data: { event: string }[] }>('GET', `/v1/accounts/${account}/events`);
      expect(data.map(({ event }) => event)).toEqual(['message:created']);
    });
});

function start([command, ...args]: [string, ...string[]], more: Record<string, string>): ChildProcess {
  const child = spawn(command, args, { env: { ...process.env, ...more }, stdio: ['ignore', 'ignore', 'inherit'] });
  running.push(child);
  return child;
}
