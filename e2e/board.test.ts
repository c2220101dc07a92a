import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '@posthorn/embedded';
import { endProcess, openEndpoint, startProcess, waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Stack, startStack } from './stack.js';

const PASSWORD = 'a-horn-in-the-fog';

describe('a retry on the board', () => {
  const [backend = 'postgres'] = inject('queueBackends');
  let stack: Stack;
  let board: ChildProcess | undefined;
  let ask: (method: string, path: string) => Promise<Response>;
  beforeAll(async () => {
    stack = await startStack({ backend, env: { RETRY_SCHEDULE_SECONDS: '1' } });
    const port = String(await findFreePort());
    const url = `http://127.0.0.1:${port}`;
    board = await startProcess({
      file: fileURLToPath(new URL('../apps/board/dist/main.js', import.meta.url)),
      env: {
        PATH: process.env['PATH'] ?? '',
        BOARD_PORT: port,
        BOARD_PASSWORD: PASSWORD,
        BOARD_READ_ONLY: 'false',
        QUEUE_BACKEND: backend,
        DATABASE_URL: stack.databaseUrl,
        ...(stack.redis && { REDIS_URL: stack.redis.url }),
      },
      readyUrl: `${url}/readyz`,
    });
    const login = await fetch(`${url}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: url },
      body: new URLSearchParams({ password: PASSWORD, next: '/' }),
    });
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    ask = (method, path) => fetch(url + path, { method, headers: { cookie, origin: url } });
  });
  afterAll(async () => {
    if (board) await endProcess(board);
    await stack?.stop();
  });

  const jobOf = async (queue: string, id: string) => {
    const response = await ask('GET', `/api/queues/${queue}/${id}`);
    const { job } = (await response.json()) as { job: { returnValue: unknown } };
    return job;
  };

  it('of a failed or completed job makes one attempt, and its result names the new job', async () => {
    const endpoint = await openEndpoint();
    const { account } = await stack.subscribe(endpoint.url);
    endpoint.respondWith(500, 500, 200);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    const failed = await waitFor(async () => {
      const found = await stack.delivery(account, id);
      return found.status === 'failed' && found;
    });
    expect(endpoint.events).toHaveLength(2);

    await waitFor(async () => (await ask('PUT', `/api/queues/retry/${failed.id}-2/retry`)).status === 204);
    await waitFor(async () => (await stack.delivery(account, id)).status === 'succeeded');
    expect(endpoint.events).toHaveLength(3);
    await waitFor(async () => {
      expect((await jobOf('retry', `${failed.id}-2`)).returnValue).toEqual({ retriedAs: `${failed.id}-3` });
      return true;
    });

    await waitFor(async () => (await ask('PUT', `/api/queues/deliver/${failed.id}-3/retry`)).status === 204);
    await waitFor(() => endpoint.events.length === 4);
    const { attempts } = await waitFor(async () => {
      const found = await stack.delivery(account, id);
      return found.attemptCount === 4 && found;
    });
    expect(attempts.map(({ trigger, statusCode }) => [trigger, statusCode])).toEqual([
      ['auto', 500],
      ['auto', 500],
      ['manual', 200],
      ['manual', 200],
    ]);
    expect(new Set(endpoint.events.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    await endpoint.close();
  });

  it('of all failed jobs makes one attempt of each delivery', async () => {
    const endpoint = await openEndpoint();
    const { account } = await stack.subscribe(endpoint.url);
    endpoint.respondWith(500);
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await stack.publish(account, '{"event":"message:created","payload":{}}')).id),
    );
    const all = (status: string) =>
      waitFor(async () => {
        const found = await Promise.all(ids.map((id) => stack.delivery(account, id)));
        return found.every((one) => one.status === status) && found;
      });
    await all('failed');
    endpoint.respondWith(200);
    await waitFor(async () => {
      const response = await ask('GET', '/api/queues?activeQueue=retry&status=failed');
      const { queues } = (await response.json()) as { queues: { name: string; counts: { failed: number } }[] };
      return queues.find(({ name }) => name === 'retry')?.counts.failed === 3;
    });
    expect((await ask('PUT', '/api/queues/retry/retry/failed')).status).toBe(200);
    const found = await all('succeeded');
    expect(found.map(({ attemptCount }) => attemptCount)).toEqual([3, 3, 3]);
    expect(endpoint.events).toHaveLength(9);
    await endpoint.close();
  });

  it('fails with the reason if the subscription was deleted meanwhile', async () => {
    const endpoint = await openEndpoint();
    const { account, id: subscription } = await stack.subscribe(endpoint.url);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    const { id: delivery } = await waitFor(async () => {
      const found = await stack.delivery(account, id);
      return found.status === 'succeeded' && found;
    });
    await stack.call('DELETE', `/v1/accounts/${account}/subscriptions/${subscription}`);
    await waitFor(async () => (await ask('PUT', `/api/queues/deliver/${delivery}-1/retry`)).status === 204);
    await waitFor(async () => {
      const response = await (await ask('GET', `/api/queues/deliver/${delivery}-1`)).text();
      return response.includes('its subscription was deleted');
    });
    expect(endpoint.events).toHaveLength(1);
    await endpoint.close();
  });
});
