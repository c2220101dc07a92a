import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { migrateUp } from '@posthorn/core/database-tools';
import { type EmbeddedPostgres, startPostgres } from '@posthorn/embedded';
import { migrateQueues } from '@posthorn/jobs';
import { type Endpoint, endProcess, makeScratchFolder, openEndpoint, waitFor } from '@posthorn/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Stack, startStack } from './stack.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const numbered = (n: number) => `{"event":"message:created","payload":{"n":${n}}}`;
const numbersAt = (endpoint: Endpoint) =>
  new Set(endpoint.events.map(({ rawBody }) => JSON.parse(rawBody.toString()).payload.n as number));

/** Publishes n events. */
async function publishMany(stack: Stack, account: string, from: number, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => stack.publish(account, numbered(from + index))));
}

// The fault suite, whose short form is part of `npm test`, kills workers during POSTs, three on each queue.
describe.each(inject('queueBackends'))('loses nothing on %s', (backend) => {
  const folder = makeScratchFolder();
  let postgres: EmbeddedPostgres; // not that of other tests, since it is stopped
  let stack: Stack;
  beforeAll(async () => {
    postgres = await startPostgres({ directory: folder, log: () => {} });
    await migrateUp({ url: postgres.url, log: silent });
    await migrateQueues({ backend: 'postgres', url: postgres.url });
    const env = { SHUTDOWN_TIMEOUT_MS: '7000', RETRY_SCHEDULE_SECONDS: '600' };
    stack = await startStack({ backend, databaseUrl: postgres.url, env });
  });
  afterAll(async () => {
    await stack?.stop();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('finishes a short POST after SIGTERM, and aborts a long one, which uses up no attempt', async () => {
    const [quick, slow] = [await openEndpoint(), await openEndpoint()];
    const first = await stack.subscribe(quick.url);
    const second = await stack.subscribe(slow.url);
    quick.respondWith({ status: 200, delayMs: 1_000 });
    slow.respondWith('never');
    const [a, b] = [await stack.publish(first.account, numbered(1)), await stack.publish(second.account, numbered(2))];
    await waitFor(() => quick.events.length === 1 && slow.events.length === 1);
    const worker = stack.workers.pop();
    if (!worker) throw new Error('no worker');
    worker.kill('SIGTERM');
    const [code] = (await once(worker, 'exit')) as [number];
    expect(code).toBe(0);
    expect(await stack.delivery(first.account, a.id)).toMatchObject({ status: 'succeeded', attemptCount: 1 });
    expect(await stack.delivery(second.account, b.id)).toMatchObject({
      status: 'pending',
      attempts: [{ outcome: 'aborted' }],
    });
    slow.respondWith(200);
    await stack.startWorker();
    await waitFor(async () => (await stack.delivery(second.account, b.id)).status === 'succeeded');
    expect((await stack.delivery(second.account, b.id)).attempts.map(({ outcome }) => outcome)).toEqual([
      'aborted',
      'ok',
    ]);
    await quick.close();
    await slow.close();
  });

  it('logs once that Postgres is away, keeps the results of POSTs, and continues automatically (L9, L10, L12)', async () => {
    const port = Number(new URL(postgres.url).port);
    const endpoint = await openEndpoint();
    const { account } = await stack.subscribe(endpoint.url);
    endpoint.respondWith({ status: 200, delayMs: 1_000 });
    await publishMany(stack, account, 0, 10);
    await waitFor(() => endpoint.events.length === 10);
    await postgres.stop(); // all ten POSTs are in flight, so their results cannot be recorded
    await waitFor(() => stack.logs.some((line) => line.includes('database.away')));
    const refused = await fetch(`${stack.apiUrl}/v1/accounts/${account}/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.operatorKey}`, 'content-type': 'application/json' },
      body: numbered(99),
    });
    expect(refused.status).toBe(503);
    postgres = await startPostgres({ directory: folder, port, log: () => {} });
    endpoint.respondWith(200);
    await waitFor(
      async () =>
        (
          await stack
            .call<{ data: { status: string }[] }>(
              'GET',
              `/v1/accounts/${account}/deliveries?status=succeeded&limit=100`,
            )
            .catch(() => null)
        )?.data.length === 10,
      {
        what: 'ten deliveries to succeed',
      },
    );
    await publishMany(stack, account, 10, 10);
    await waitFor(() => numbersAt(endpoint).size === 20, { what: 'twenty events to arrive' });
    // The worker recorded the kept results, so no endpoint got a second request (on Redis; on Postgres the queue was away, too).
    if (backend === 'redis') expect(endpoint.events).toHaveLength(20);
    const saidByWorker = stack.logs.filter((line) => line.includes('database.away') && line.includes('"app":"worker"'));
    expect(saidByWorker).toHaveLength(1);
    await endpoint.close();
  });

  // Without a Redis on this machine, the run reports it at the end, and CI fails.
  describe.runIf(backend === 'redis')('when Redis', () => {
    it('is flushed under load, neither queued nor delayed deliveries (L3, L4)', async () => {
      const endpoint = await openEndpoint();
      const { account } = await stack.subscribe(endpoint.url, { retrySchedule: [3, 3, 3] });
      endpoint.respondWith(500);
      await publishMany(stack, account, 0, 9); // one more failure in a row would open the circuit
      await waitFor(() => numbersAt(endpoint).size === 9); // now they are delayed in the retry queue
      const worker = stack.workers.pop();
      if (worker) await endProcess(worker);
      await publishMany(stack, account, 9, 30); // these wait in the deliver queue
      const redis = new Redis(stack.redis?.url ?? '');
      await redis.flushall();
      redis.disconnect();
      endpoint.respondWith(200);
      await stack.startWorker();
      await waitFor(
        async () =>
          (
            await stack.call<{ data: unknown[] }>(
              'GET',
              `/v1/accounts/${account}/deliveries?status=succeeded&limit=100`,
            )
          ).data.length === 39,
        { timeoutMs: 20_000, what: '39 deliveries to succeed' }, // well within the lease
      );
      expect(numbersAt(endpoint).size).toBe(39);
      await endpoint.close();
    });

    it('is away: publishes get 202, /readyz is ready and degraded, and events arrive when Redis is back (L2, L9, L10)', async () => {
      const endpoint = await openEndpoint();
      const { account } = await stack.subscribe(endpoint.url);
      const pid = stack.redis?.pid ?? 0;
      process.kill(pid, 'SIGSTOP');
      await publishMany(stack, account, 0, 50); // each got a 202 while Redis was away
      await waitFor(async () => {
        const ready = await fetch(`${stack.apiUrl}/readyz`);
        return ready.status === 200 && ((await ready.json()) as { status: string }).status === 'degraded';
      });
      process.kill(pid, 'SIGCONT');
      await waitFor(() => numbersAt(endpoint).size === 50, { what: '50 events to arrive' });
      await endpoint.close();
    });
  });
});
