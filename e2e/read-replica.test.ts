import { migrateUp } from '@posthorn/core/database-tools';
import { migrateQueues } from '@posthorn/jobs';
import { BROWSER_ARGS, openEndpoint, type Endpoint, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { runDoctor } from './run-cli.js';
import { type Stack, startStack } from './stack.js';
import { startWithReplica, type WithReplica } from './start-with-replica.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const BODY = '{"event":"message:created","payload":{}}';

let postgres: WithReplica;
let replica: pg.Pool;
let stack: Stack;
let endpoint: Endpoint;
let account: string;

beforeAll(async () => {
  postgres = await startWithReplica();
  const { url } = postgres.primary;
  await migrateUp({ url, log: silent });
  await migrateQueues({ backend: 'postgres', url });
  replica = new pg.Pool({ connectionString: postgres.replicaUrl, max: 1 });
  replica.on('error', () => {});
  stack = await startStack({
    backend: 'postgres',
    databaseUrl: url,
    env: { DATABASE_READ_URL: postgres.replicaUrl },
  });
  endpoint = await openEndpoint();
  ({ account } = await stack.subscribe(endpoint.url));
}, 180_000);
afterAll(async () => {
  await stack?.stop();
  await endpoint?.close();
  await replica?.end();
  await postgres?.stop();
});

interface Listed {
  /** null: the response is from the primary, or the lag is unknown. */
  lagSeconds: number | null;
  ids: string[];
}

async function list(path: string): Promise<Listed> {
  const response = await fetch(stack.apiUrl + path, { headers: { authorization: `Bearer ${stack.operatorKey}` } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  const lag = response.headers.get('posthorn-read-lag-seconds');
  const { data = [] } = (await response.json()) as { data?: { id: string }[] };
  return { lagSeconds: lag === null ? null : Number(lag), ids: data.map(({ id }) => id) };
}

const until = (what: string, isSo: () => boolean | Promise<boolean>) => waitFor(isSo, { timeoutMs: 60_000, what });
const listEvents = () => list(`/v1/accounts/${account}/events`);

async function check(): Promise<{ status: string; replica: { status: string; lagSeconds?: number } }> {
  const { status, checks } = await stack.call<{ status: string; checks: Record<string, { status: string }> }>(
    'GET',
    '/readyz',
  );
  return { status, replica: checks['readReplica'] ?? { status: 'none' } };
}

async function metric(name: string): Promise<number | null> {
  const text = await (await fetch(`${stack.apiUrl}/metrics`)).text();
  const found = new RegExp(`^posthorn_read_replica_${name} (.+)$`, 'm').exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

const logged = (message: string) => stack.logs.filter((line) => line.includes(`"${message}"`)).length;

async function everyListReportsItsLag(): Promise<boolean> {
  const of = `/v1/accounts/${account}`;
  const paths = ['events', 'deliveries', 'deliveries/count', 'audit', 'stats'].map((path) => `${of}/${path}`);
  const lists = await Promise.all([...paths, '/v1/accounts', '/v1/audit', '/v1/stats'].map(list));
  return lists.every(({ lagSeconds }) => lagSeconds !== null);
}

it('reads lists from the replica, and reports its lag', async () => {
  // Until the replica has applied a transaction since its start, its lag is unknown.
  await until('each list to report the lag', everyListReportsItsLag);
  await replica.query('SELECT pg_wal_replay_pause()');
  const { id } = await stack.publish(account, BODY);

  let late: Listed = { lagSeconds: null, ids: [] };
  await until('the lag in a header', async () => ((late = await listEvents()).lagSeconds ?? 0) > 0);
  expect(late.ids).not.toContain(id);
  await until('the lag as a metric', async () => ((await metric('lag_seconds')) ?? 0) > 0);
  await until('the lag in /readyz', async () => ((await check()).replica.lagSeconds ?? 0) > 0);
  // Objects by id come from the primary, and deliveries do not wait for the replica.
  expect(await stack.call('GET', `/v1/accounts/${account}/events/${id}`)).toMatchObject({ id });
  await until('the delivery', () => endpoint.events.length > 0);

  await replica.query('SELECT pg_wal_replay_resume()');
  await until('the list to show it', async () => (await listEvents()).ids.includes(id));
  await until('no lag', async () => (await listEvents()).lagSeconds === 0);
  await until('the metric to say that it is up', async () => (await metric('up')) === 1);
});

it('doctor inspects the replica', async () => {
  const checks = await runDoctor({
    DATABASE_URL: postgres.primary.url,
    DATABASE_READ_URL: postgres.replicaUrl,
  });
  expect(checks.find(({ name }) => name === 'Read replica')).toMatchObject({
    status: 'ok',
    detail: expect.stringMatching(/^Postgres .*, a standby$/),
  });
});

it.skipIf(inject('browserPath') === null)('the console says how far a list is behind', async () => {
  const browser = await chromium.launch({
    executablePath: inject('browserPath') ?? '',
    args: BROWSER_ARGS,
  });
  try {
    await replica.query('SELECT pg_wal_replay_pause()');
    await stack.publish(account, BODY);
    const context = await browser.newContext({ baseURL: stack.apiUrl });
    const data = { key: stack.operatorKey };
    await context.request.post('/v1/session', { data, headers: { 'x-posthorn-csrf': '1' } });
    const page = await context.newPage();
    await page.goto(`/accounts/${account}/events`);
    const note = page.getByText(/^This data is \d+ (sec|min) behind\.$/);
    await note.waitFor({ timeout: 120_000 });
    await replica.query('SELECT pg_wal_replay_resume()');
    await note.waitFor({ state: 'detached', timeout: 120_000 });
  } finally {
    await browser.close();
  }
});

it('reads lists from the primary while the replica is away, and reports it', async () => {
  await postgres.stopReplica();
  const { id } = await stack.publish(account, BODY);
  for (let index = 0; index < 5; index += 1) {
    const { ids, lagSeconds } = await listEvents();
    expect([ids.includes(id), lagSeconds]).toEqual([true, null]);
  }
  await until('the metric to say so', async () => (await metric('up')) === 0);
  await until('each of those to be counted', async () => ((await metric('fallbacks_total')) ?? 0) >= 5);
  await until('/readyz to say so, and nothing worse', async () => {
    const { status, replica: found } = await check();
    return found.status === 'fail' && status === 'ok';
  });

  await postgres.startReplica();
  await until('the replica to be read again', everyListReportsItsLag);
  await until('the log to say so', () => logged('read_replica.away') > 0 && logged('read_replica.back') > 0);
});
