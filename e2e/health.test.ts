import { endProcess, openEndpoint, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { describe, expect, inject } from 'vitest';
import { readPage } from './docs-blocks.js';
import { it } from './shared-stack.js';
import { type Stack, startStack } from './stack.js';

const MESSAGE = '{"event":"message:created","payload":{}}';

interface Ready {
  code: number;
  status: string;
  checks: Record<string, { status: string; alive?: number; oldestSeconds?: number; reason?: string }>;
}
interface Queues {
  workersAlive: number;
  workers: { isAlive: boolean; lastJobAt: string | null }[];
  deliveries: { overdue: number };
}

async function ready({ apiUrl }: Stack): Promise<Ready> {
  const response = await fetch(`${apiUrl}/readyz`);
  return { code: response.status, ...((await response.json()) as Omit<Ready, 'code'>) };
}
const metricsAt = async (url: string) => (await fetch(`${url}/metrics`)).text();
async function metric({ apiUrl }: Stack, name: string): Promise<number> {
  const [, value] = new RegExp(`^posthorn_${name} (.*)$`, 'm').exec(await metricsAt(apiUrl)) ?? [];
  return Number(value);
}

/** Expires the leases, as a minute without workers would. */
async function leasesRunOut({ databaseUrl }: Stack): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query(
    `UPDATE pending_deliveries SET due_at = due_at - interval '90 seconds', leased_until = leased_until - interval '90 seconds' WHERE status = 'pending'`,
  );
  await client.end();
}

// Each process reads the state at most every five seconds, and a worker counts as dead after twenty.
const SOON = { timeoutMs: 60_000 };

describe('health', () => {
  const [backend = 'postgres'] = inject('queueBackends');
  it('accepts events while all workers are dead, reports the reason, and is ok when a worker is back (V7)', async () => {
    const stack = await startStack({ backend, workers: 2 });
    const endpoint = await openEndpoint();
    const { account } = await stack.subscribe(endpoint.url);
    await stack.publish(account, MESSAGE);
    await waitFor(() => endpoint.events.length === 1);
    const well = await waitFor(async () => {
      const now = await ready(stack);
      return now.checks['workers']?.alive === 2 && now;
    }, SOON);
    expect([well.code, well.status]).toEqual([200, 'ok']);

    await waitFor(async () => {
      const { workers } = await stack.call<Queues>('GET', '/v1/queues');
      return workers.some(({ lastJobAt }) => lastJobAt !== null);
    }, SOON);

    for (const worker of stack.workers) worker.kill('SIGKILL');
    const alone = await waitFor(async () => {
      const now = await ready(stack);
      return now.checks['workers']?.alive === 0 && now;
    }, SOON);
    expect([alone.code, alone.status]).toEqual([200, 'degraded']);
    expect(alone.checks['workers']).toMatchObject({
      status: 'fail',
      reason: expect.stringContaining('no worker is alive'),
    });
    expect(await metric(stack, 'workers_alive')).toBe(0);

    await stack.publish(account, MESSAGE); // a 202
    await leasesRunOut(stack);
    const late = await waitFor(async () => {
      const now = await ready(stack);
      return now.checks['deliveries']?.status === 'fail' && now;
    }, SOON);
    expect([late.code, late.status]).toEqual([200, 'degraded']);
    expect(late.checks['deliveries']?.oldestSeconds).toBeGreaterThanOrEqual(90);
    expect(await metric(stack, 'deliveries_overdue')).toBe(1);
    expect(await metric(stack, 'deliveries_oldest_overdue_seconds')).toBeGreaterThanOrEqual(90);
    const queues = await stack.call<Queues>('GET', '/v1/queues');
    expect(queues).toMatchObject({ workersAlive: 0, deliveries: { overdue: 1 } });
    expect(queues.workers.map(({ isAlive }) => isAlive)).toEqual([false, false]);

    const worker = await stack.startWorker();
    await waitFor(() => endpoint.events.length === 2, SOON);
    await waitFor(async () => (await ready(stack)).status === 'ok', SOON);
    expect(await metric(stack, 'workers_alive')).toBe(1);
    expect(await metric(stack, 'deliveries_overdue')).toBe(0);

    // Workers that shut down leave the list at once, so none is listed as dead.
    await endProcess(worker);
    const left = await waitFor(async () => {
      const now = await stack.call<Queues>('GET', '/v1/queues');
      return now.workersAlive === 0 && now;
    }, SOON);
    expect(left.workers).toHaveLength(2);
    await stack.stop();
    await endpoint.close();
  });
});

it('docs/operate.md lists every metric, and no other', async ({ sharedStack: stack }) => {
  const workerUrl = /"healthUrl":"([^"]+)"/.exec(
    await waitFor(() => stack.logs.find((line) => line.includes('worker.started'))),
  )?.[1];
  const texts = await Promise.all([metricsAt(stack.apiUrl), metricsAt(workerUrl ?? '')]);
  const [api, worker] = texts.map((text) => [...text.matchAll(/^# TYPE (posthorn_\S+)/gm)].map(([, name]) => name));

  const page = readPage('docs/operate.md');
  const rows = [...page.matchAll(/^\| `(posthorn_\w+)` \|(.*)$/gm)].map(([, name, rest]) => ({
    name,
    rest: rest ?? '',
  }));
  const split = rows.findIndex(({ name }) => name === 'posthorn_attempts_total');
  const ofApi = rows.slice(0, split);
  const ofWorker = [...ofApi.filter(({ rest }) => rest.includes('also of each worker')), ...rows.slice(split)];
  expect(ofApi.map(({ name }) => name).toSorted()).toEqual(api?.toSorted());
  expect(ofWorker.map(({ name }) => name).toSorted()).toEqual(worker?.toSorted());
});
