import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '@posthorn/embedded';
import { waitFor } from '@posthorn/testing';
import { expect } from 'vitest';
import { blocksFor } from './docs-blocks.js';
import { it } from './shared-stack.js';

it('the endpoint of docs/receive.md is verified, checks signatures, and refuses unsigned requests', async ({
  sharedStack: stack,
}) => {
  const port = await findFreePort();
  const sample = blocksFor('e2e/receive.test.ts')[0]?.code ?? '';
  const file = fileURLToPath(new URL(`receive-sample-${process.pid}.mjs`, import.meta.url));
  writeFileSync(file, sample.replace('8080', String(port)));
  const said: string[] = [];
  const run = (secret: string) => {
    const child = spawn(process.execPath, [file], {
      env: { WEBHOOK_SECRET: secret },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => void said.push(text));
    return child;
  };
  const url = `http://127.0.0.1:${port}/`;
  let endpoint = run('');
  try {
    await waitFor(() => fetch(url, { method: 'POST', body: '{"event":"webhook:verify","payload":"PONG"}' }));
    const { account, secret } = await stack.subscribe(url);
    endpoint.kill();
    await once(endpoint, 'exit');
    endpoint = run(secret);
    await waitFor(() => fetch(url, { method: 'POST', body: '{"event":"webhook:verify","payload":"PONG"}' }));
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{"body":"Hello"}}');
    await waitFor(async () => (await stack.delivery(account, id)).status === 'succeeded');
    expect(said.join('')).toContain(`message:created { body: 'Hello' }`);
    const forged = await fetch(url, { method: 'POST', body: '{"event":"message:created","payload":{}}' });
    expect(forged.status).toBe(400);
  } finally {
    endpoint.kill();
    rmSync(file);
  }
});
