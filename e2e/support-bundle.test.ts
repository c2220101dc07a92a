import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openEndpoint, waitFor } from '@posthorn/testing';
import { expect, inject, it } from 'vitest';
import { blocksFor } from './docs-blocks.js';
import { openCli } from './run-cli.js';
import { startStack } from './stack.js';

/** In every secret and in everything that a customer chooses. */
const MARK = 'Plantedx7Q';
const mark = (where: string) => `${MARK}${where}`;

it('docs/operate.md: a bundle has what helps, and none of the secrets that are planted everywhere', async () => {
  const operatorKey = mark('OperatorKey0123456789abcdef');
  const env = {
    POSTHORN_OPERATOR_KEY: operatorKey,
    OPERATIONS_ACCOUNT: mark('Operations'),
    PUBLIC_URL: `http://${mark('public')}.example.com`,
    RETRY_SCHEDULE_SECONDS: '3600',
  };
  const stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres', env });
  const endpoint = await openEndpoint();
  // The stack's own function uses another key.
  async function call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(stack.apiUrl + path, {
      method,
      headers: { authorization: `Bearer ${operatorKey}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    expect([path, response.ok ? 'ok' : text]).toEqual([path, 'ok']);
    return JSON.parse(text) as T;
  }
  const account = `/v1/accounts/${mark('Account')}`;
  await call('PUT', account, { name: mark('Name'), metadata: { note: mark('Metadata') } });
  const { id } = await call<{ id: string }>('POST', `${account}/subscriptions`, {
    url: `${endpoint.url}/${mark('Path')}?key=${mark('Query')}`,
    headers: { 'x-api-key': mark('Header') },
    description: mark('Description'),
    metadata: { note: mark('SubscriptionMetadata') },
    authentication: {
      type: 'oauth2',
      tokenUrl: `${endpoint.url}/${mark('TokenPath')}`,
      clientId: mark('Client'),
      clientSecret: mark('ClientSecret'),
    },
  });
  const { secret } = await call<{ secret: string }>('GET', `${account}/subscriptions/${id}/secret`);
  const { key } = await call<{ key: string }>('POST', `${account}/keys`, { name: mark('Key') });
  await call('POST', `${account}/events`, { event: 'message:created', payload: { text: mark('Payload') } });
  // The endpoint gives no token, so attempts fail, and their errors are in the ledger and in the log.
  await waitFor(() => stack.logs.some((line) => line.includes('verification.attempted')), { what: 'an attempt' });
  // A worker says that it is alive some time after it has become ready.
  await waitFor(async () => (await call<{ workersAlive: number }>('GET', '/v1/queues')).workersAlive === 1);

  const cli = openCli({
    POSTHORN_URL: stack.apiUrl,
    POSTHORN_API_KEY: operatorKey,
    DATABASE_URL: stack.databaseUrl,
    ...(stack.redis && { REDIS_URL: stack.redis.url }),
    ...env,
    POSTHORN_ENCRYPTION_KEY: mark('EncryptionKey'),
    SMTP_URL: `smtp://${mark('SmtpUser')}:${mark('SmtpPassword')}@${mark('smtp')}.example.com`,
    BOARD_PASSWORD: mark('Board'),
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${mark('Otel')}`,
    DENY_NETWORKS: `${mark('denied')}.internal`,
  });
  const planted = { level: 50, time: Date.now(), msg: `cannot reach ${mark('Message')}`, err: { code: mark('Code') } };
  writeFileSync(join(cli.folder, 'worker.log'), [...stack.logs, JSON.stringify(planted), mark('NoJson')].join('\n'));
  const [block] = blocksFor('e2e/support-bundle.test.ts');
  const running = cli.shell(block?.code ?? '');
  expect([await running.ended, running.stderr()]).toEqual([0, expect.stringContaining('The bundle has:')]);
  const file = join(cli.folder, 'bundle.json');
  const text = readFileSync(file, 'utf8');
  const bundle = JSON.parse(text) as Record<string, unknown>;

  expect(text.toLowerCase()).not.toContain(MARK.toLowerCase());
  const { password, host } = new URL(stack.databaseUrl);
  for (const hidden of [secret, key, operatorKey, stack.databaseUrl, host, password].filter(Boolean))
    expect(text).not.toContain(hidden);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(bundle).toMatchObject({
    format: 1,
    checks: expect.arrayContaining([expect.objectContaining({ name: 'Database', status: 'ok' })]),
    api: { workersAlive: 1, subscriptions: { unverified: expect.any(Number) } },
    database: { tables: expect.arrayContaining([expect.objectContaining({ name: 'events' })]) },
    migrations: expect.arrayContaining([expect.objectContaining({ state: 'applied', finishedAt: expect.any(String) })]),
    processes: [{ app: 'api', problem: null }, expect.anything()],
    log: expect.arrayContaining([expect.objectContaining({ event: 'other', level: 'error', error: null, count: 1 })]),
    settings: expect.arrayContaining([
      { name: 'POSTHORN_OPERATOR_KEY', isSet: true, value: null },
      { name: 'RETRY_SCHEDULE_SECONDS', isSet: true, value: '3600' },
      { name: 'DENY_NETWORKS', isSet: true, value: expect.stringMatching(/^<hidden [\da-f]{8}>$/) },
    ]),
    settingsOfApi: expect.arrayContaining([{ name: 'POSTHORN_OPERATOR_KEY', isSet: true, value: null }]),
  });

  const again = await cli.runProcess(['doctor', '--bundle', file]);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('cannot be written (EEXIST)')]);
  await cli.close();
  await endpoint.close();
  await stack.stop();
});
