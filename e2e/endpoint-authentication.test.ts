import { execFile } from 'node:child_process';
import { createServer } from 'node:https';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import type { Subscription } from '@posthorn/contract';
import {
  makeCertificate,
  makeCertificates,
  makeScratchFolder,
  openEndpoint,
  openTokenServer,
  waitFor,
} from '@posthorn/testing';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { blocksFor } from './docs-blocks.js';
import { type Stack, startStack } from './stack.js';

const run = promisify(execFile);
const MESSAGE = '{"event":"message:created","payload":{}}';
const { key, authority, valid } = makeCertificates();
const operators = makeCertificate();

describe('endpoint authentication', () => {
  let stack: Stack;
  const folder = makeScratchFolder();
  beforeAll(async () => {
    const file = join(folder, 'extra.pem');
    writeFileSync(file, operators.cert);
    stack = await startStack({
      backend: inject('queueBackends')[0] ?? 'postgres',
      env: { EXTRA_CA_CERTS: file, RETRY_SCHEDULE_SECONDS: '1,1,1,1,1,1,1,1,1,1' },
    });
  });
  afterAll(() => stack?.stop());

  /** Runs a command of the documentation, with these texts replaced. Returns the created subscription. */
  async function runExample(code: string | undefined, replaced: Record<string, string>): Promise<Subscription> {
    let script = (code ?? '').replaceAll('https://hooks.example.com', stack.apiUrl);
    for (const [from, to] of Object.entries(replaced)) {
      expect(script).toContain(from);
      script = script.replaceAll(from, to);
    }
    const env = { ...process.env, POSTHORN_API_KEY: stack.operatorKey };
    const { stdout } = await run('sh', ['-euc', script], { cwd: folder, env });
    return JSON.parse(stdout) as Subscription;
  }

  const read = (account: string, id: string) =>
    stack.call<Subscription>('GET', `/v1/accounts/${account}/subscriptions/${id}`);

  /** An https endpoint that echoes handshakes. Returns its URL and the subjects of the client certificates. */
  async function openSecure(options: object) {
    const subjects: string[] = [];
    const server = createServer(options, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        subjects.push(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'none'));
        const { event, payload } = JSON.parse(Buffer.concat(chunks).toString()) as { event: string; payload: unknown };
        response.end(event === 'webhook:verify' ? String(payload) : '');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { origin: `https://localhost:${(server.address() as AddressInfo).port}`, subjects };
  }

  it('the examples of the page work: with a token, and with a client certificate', async () => {
    const [oauth2, certificate] = blocksFor('e2e/endpoint-authentication.test.ts').map(({ code }) => code);
    await stack.call('PUT', '/v1/accounts/acme', { name: 'Acme' });
    const tokens = await openTokenServer({ clientSecret: 'the secret of this client' });
    const endpoint = await openEndpoint();
    onTestFinished(async () => void (await Promise.all([tokens.close(), endpoint.close()])));
    const withToken = await runExample(oauth2, {
      'https://crm.acme.example/webhook': endpoint.url,
      'https://login.acme.example/oauth2/token': tokens.url,
    });
    for (const [name, text] of Object.entries({ 'client.pem': valid, 'client.key': key, 'authority.pem': authority }))
      writeFileSync(join(folder, name), text);
    const secure = await openSecure({ key, cert: valid, requestCert: true, rejectUnauthorized: true, ca: authority });
    const withCertificate = await runExample(certificate, { 'https://crm.acme.example': secure.origin });

    for (const { id } of [withToken, withCertificate])
      await waitFor(async () => (await read('acme', id)).status === 'active');
    const event = await stack.publish('acme', MESSAGE);
    expect(event.deliveries).toBe(2);
    await waitFor(() => endpoint.events.length === 1 && secure.subjects.length === 2);
    // The handshake and the event had the same token.
    expect(endpoint.requests.map(({ headers }) => headers['authorization'])).toEqual(Array(2).fill('Bearer token-1'));
    expect(tokens.requests).toMatchObject([{ form: { scope: 'webhooks' } }]);
    expect(secure.subjects).toEqual(['localhost', 'localhost']);
    expect(stack.logs.join('\n')).not.toMatch(/token-1|the secret of this client|PRIVATE KEY/);
  });

  it('loses nothing while the token server is down, and after a token that ends early', async () => {
    const tokens = await openTokenServer();
    const endpoint = await openEndpoint();
    onTestFinished(async () => void (await Promise.all([tokens.close(), endpoint.close()])));
    const { url: tokenUrl, clientId, clientSecret } = tokens;
    const { account, id } = await stack.subscribe(endpoint.url, {
      authentication: { type: 'oauth2', tokenUrl, clientId, clientSecret },
    });
    const lastToken = () => `Bearer ${tokens.tokens.at(-1)}`;

    // The endpoint ends the first token, whatever expires_in says.
    const first = lastToken();
    endpoint.respondWith(({ headers }) => (headers['authorization'] === first ? 401 : 200));
    const early = await stack.publish(account, MESSAGE);
    await waitFor(async () => (await stack.delivery(account, early.id)).status === 'succeeded');
    expect((await stack.delivery(account, early.id)).attempts).toMatchObject([
      { outcome: 'http_error', statusCode: 401, errorCode: 'OAUTH_TOKEN_REJECTED' },
      { outcome: 'ok' },
    ]);

    // A change of the configuration needs a new token, which the server refuses for now.
    tokens.respondWith({ status: 503, body: 'down' });
    await stack.call('PATCH', `/v1/accounts/${account}/subscriptions/${id}`, {
      authentication: { type: 'oauth2', tokenUrl, clientId, clientSecret, scope: 'more' },
    });
    const sent = endpoint.events.length;
    const event = await stack.publish(account, MESSAGE);
    const failed = await waitFor(async () => {
      const found = await stack.delivery(account, event.id);
      return found.attempts.length > 0 && found;
    });
    expect(failed.attempts[0]).toMatchObject({
      outcome: 'auth_error',
      errorCode: 'OAUTH_SERVER_ERROR',
      error: expect.stringMatching(/The token server .* returned 503\. Check its log/),
    });
    expect(endpoint.events).toHaveLength(sent);
    tokens.respondWith('grant');
    await waitFor(async () => (await stack.delivery(account, event.id)).status === 'succeeded');
    expect(endpoint.events.at(-1)?.headers['authorization']).toBe(lastToken());
    const { byOutcome } = (
      await stack.call<{ totals: { byOutcome: Record<string, number> } }>('GET', `/v1/accounts/${account}/stats`)
    ).totals;
    expect(byOutcome['auth_error']).toBeGreaterThanOrEqual(1);
  });

  it('trusts the authorities of EXTRA_CA_CERTS for every webhook, and no others', async () => {
    const trusted = await openSecure({ key: operators.key, cert: operators.cert });
    const untrusted = await openSecure({ key, cert: valid });
    const { account } = await stack.subscribe(trusted.origin);
    const { id } = await stack.call<Subscription>(
      'POST',
      `/v1/accounts/${account}/subscriptions`,
      { url: untrusted.origin },
      201,
    );
    await waitFor(async () => (await read(account, id)).verification.reason === 'tls_error');
    await stack.call('PATCH', `/v1/accounts/${account}/subscriptions/${id}`, { certificateAuthorities: authority });
    await stack.call('POST', `/v1/accounts/${account}/subscriptions/${id}/verify`, undefined, 202);
    await waitFor(async () => (await read(account, id)).status === 'active');
  });

  it('a worker with a bad EXTRA_CA_CERTS does not start, and says why', async () => {
    const file = join(folder, 'bad.pem');
    writeFileSync(file, 'no certificate');
    const main = join(import.meta.dirname, '../apps/worker/dist/main.js');
    const env = {
      DATABASE_URL: stack.databaseUrl,
      POSTHORN_ENCRYPTION_KEY: Buffer.from(operators.key).subarray(50, 82).toString('base64'),
      QUEUE_BACKEND: 'postgres',
      EXTRA_CA_CERTS: file,
    };
    const failure = await run(process.execPath, [main], { env }).catch((error: { stderr: string }) => error);
    expect(failure.stderr).toMatch(/^ {2}- EXTRA_CA_CERTS names a file that contains no PEM certificate.*bad\.pem$/m);
  });
});
