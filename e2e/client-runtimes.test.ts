import { execFile, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openEndpoint } from '@posthorn/testing';
import { expect, it } from 'vitest';

// The built client on other runtimes. bundle.test.ts covers edge runtimes.
const client = fileURLToPath(new URL('../packages/client/', import.meta.url));
const RUNTIMES: Record<string, string[]> = {
  node: [],
  bun: ['run'],
  deno: ['run', '--allow-net', '--allow-env', '--allow-read'],
};

const PROGRAM = `
import { Posthorn, verify } from '@posthorn/client';
import { handleWebhook } from '@posthorn/client/webhooks';
import { Webhook } from 'standardwebhooks';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const body = '{"event":"message:created","payload":{"body":"Grüße 👋"}}';
const at = new Date();
const headers = {
  'webhook-id': 'evt_1',
  'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
  'webhook-signature': new Webhook(secret).sign('evt_1', at, body),
};
const seen = [verify(new TextEncoder().encode(body), headers, secret).payload.body];
const handle = handleWebhook({ secret, on: { 'message:created': ({ payload }) => void seen.push(payload.body) } });
const post = (headers) => handle(new Request('http://localhost/', { method: 'POST', body, headers }));
const statuses = [(await post(headers)).status, (await post({})).status];
const posthorn = new Posthorn({ url: process.env.API_URL, apiKey: 'key' });
const { id } = await posthorn.publish('acme', { event: 'message:created', payload: { body: 'Hi' } });
const refused = await posthorn.accounts.get('acme').catch((error) => error.code);
console.log(JSON.stringify({ seen, statuses, id, refused }));
`;

it.each(Object.entries(RUNTIMES))('%s verifies, handles and publishes', async (runtime, args) => {
  if (spawnSync(runtime, ['--version']).status !== 0) {
    const message = `the client is NOT tested on ${runtime}, since it is not on the PATH (npm install --global ${runtime}).`;
    if (process.env['CI']) throw new Error(`In CI this is a failure: ${message}`);
    console.warn(`SKIPPED: ${message}`);
    return;
  }
  const file = join(client, `runtime-${runtime}-${process.pid}.mjs`); // where its dependencies are found
  writeFileSync(file, PROGRAM);
  // An API that returns 503, then 202 to a publish, and 401 to anything else.
  const json = { 'content-type': 'application/json' };
  const api = await openEndpoint();
  const published = { status: 202, headers: json, body: '{"id":"evt_9"}' };
  const refusal = {
    status: 401,
    headers: json,
    body: '{"code":"unauthenticated","detail":"No.","errors":[],"requestId":"r"}',
  };
  api.respondWith(503, published, refusal);
  try {
    const { stdout } = await promisify(execFile)(runtime, [...args, file], {
      env: { ...process.env, API_URL: api.url },
    });
    expect(JSON.parse(stdout)).toEqual({
      seen: ['Grüße 👋', 'Grüße 👋'],
      statuses: [204, 401],
      id: 'evt_9',
      refused: 'unauthenticated',
    });
    expect(new Set(api.events.slice(0, 2).map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  } finally {
    rmSync(file);
    await api.close();
  }
});
