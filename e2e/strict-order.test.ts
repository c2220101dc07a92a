import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type Received, openEndpoint, waitFor } from '@posthorn/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Stack, startStack } from './stack.js';

const EVENTS = 15;
/** The event at which all workers are stopped. */
const STOP_AT = 4;
/** Each kill delays a job until its lock expires, about 10 s. */
const HANG_GUARD = { timeoutMs: 600_000, what: 'all deliveries to end' };
/** How many workers to kill at which number of requests: first both, since one of them has the attempt in flight. */
const KILLS = new Map([
  [6, 2],
  [18, 1],
]);

const numberOf = ({ rawBody }: Received) => (JSON.parse(rawBody.toString()) as { payload: { n: number } }).payload.n;
const isFailure = (n: number) => n % 9 === 4;
/** The response takes this long, so an early next delivery would overlap with it. */
const RESPONSE_MS = 30;

/** An endpoint at which some events fail at first, and some until their last attempt. */
const statusOf = (n: number, arrival: number) => (isFailure(n) || (n % 5 === 2 && arrival === 1) ? 500 : 200);

// The order is kept by the ledger (core/deliveries/strict-order.ts), so one queue is enough.
describe('strict order', () => {
  const [backend = 'postgres'] = inject('queueBackends');
  let stack: Stack;
  beforeAll(async () => void (stack = await startStack({ backend, workers: 2 })));
  afterAll(() => stack?.stop());

  it('sends in the order of publish, each delivery after the previous has ended, despite killed workers and failures', async () => {
    const endpoints = [await openEndpoint(), await openEndpoint()] as const;
    const subscriptions = [];
    for (const endpoint of endpoints) {
      subscriptions.push(await stack.subscribe(endpoint.url, { ordering: 'strict', retrySchedule: [1, 1] }));
    }
    let requests = 0;
    /** Requests that arrived before the response to another delivery. */
    const overlaps: string[] = [];
    const restarts: { started: Promise<unknown> }[] = [];
    for (const endpoint of endpoints) {
      const arrivals = new Map<number, number>();
      const inFlight = new Set<number>();
      endpoint.respondWith(async (request) => {
        const n = numberOf(request);
        const arrival = (arrivals.get(n) ?? 0) + 1;
        arrivals.set(n, arrival);
        for (const other of inFlight) if (other !== n) overlaps.push(`${n} during ${other}`);
        inFlight.add(n);
        const killed = KILLS.get((requests += 1)) ?? 0;
        for (let count = 0; count < killed; count += 1) restarts.push(await killAndReplace(stack));
        await pause(RESPONSE_MS);
        inFlight.delete(n);
        return statusOf(n, arrival);
      });
    }
    // Two accounts publish concurrently, each event after the response to the previous one.
    await Promise.all(
      subscriptions.map(async ({ account }) => {
        for (let n = 1; n <= EVENTS; n += 1) await stack.publish(account, message(n));
      }),
    );
    for (const { account } of subscriptions) {
      await waitFor(async () => (await unfinished(stack, account)) === 0, HANG_GUARD);
    }
    await Promise.all(restarts.map(({ started }) => started));
    expect(restarts).toHaveLength(3);
    expect(overlaps).toEqual([]);

    const failures = range(EVENTS).filter(isFailure);
    for (const endpoint of endpoints) {
      const arrived = endpoint.events.map(numberOf);
      // Nothing arrives after something that was published later: so the attempts of one had ended when the next one began.
      expect(arrived).toEqual(arrived.toSorted((a, b) => a - b));
      expect([...new Set(arrived)]).toEqual(range(EVENTS));
      for (const n of failures) expect(arrived.filter((one) => one === n).length).toBeGreaterThanOrEqual(3);
    }

    // Failed deliveries are replayed in their order, although the workers are killed meanwhile.
    const before = endpoints.map(({ events }) => events.length);
    const replacing: Promise<{ started: Promise<unknown> }>[] = [];
    for (const endpoint of endpoints)
      endpoint.respondWith(async () => {
        if (replacing.length === 0) replacing.push(...[1, 2].map(() => killAndReplace(stack)));
        await Promise.all(replacing);
        return 200;
      });
    for (const { account, id } of subscriptions)
      await stack.call('POST', `/v1/accounts/${account}/replays`, {
        subscriptions: [id],
        which: 'failed',
        since: new Date(0).toISOString(),
      });
    for (const [index, { account }] of subscriptions.entries()) {
      const replayed = () => endpoints[index]?.events.slice(before[index]).map(numberOf) ?? [];
      await waitFor(() => new Set(replayed()).size === failures.length, HANG_GUARD);
      await waitFor(async () => (await unfinished(stack, account)) === 0, HANG_GUARD);
      expect(replayed()).toEqual(replayed().toSorted((a, b) => a - b));
      expect([...new Set(replayed())]).toEqual(failures);
    }
    for (const { started } of await Promise.all(replacing)) await started;
    for (const endpoint of endpoints) await endpoint.close();
  }, 900_000);

  it('is kept when workers stop in the middle of an attempt, others take over, and the stopped ones continue', async () => {
    const endpoint = await openEndpoint();
    // One subscription, so that no other attempt of a stopped worker is about to begin.
    const { account } = await stack.subscribe(endpoint.url, { ordering: 'strict' });
    const stopped: ChildProcess[] = [];
    endpoint.respondWith((request) => {
      if (numberOf(request) === STOP_AT && stopped.length === 0) {
        stopped.push(...stack.workers.splice(0));
        for (const worker of stopped) worker.kill('SIGSTOP');
      }
      return 200;
    });
    for (let n = 1; n <= EVENTS; n += 1) await stack.publish(account, message(n));
    await waitFor(() => stopped.length === 2);
    await stack.startWorker();
    const arrived = () => endpoint.events.map(numberOf);
    await waitFor(() => arrived().includes(STOP_AT + 3), HANG_GUARD);
    for (const worker of stopped) worker.kill('SIGCONT');
    stack.workers.push(...stopped); // the stack stops them
    for (let n = EVENTS + 1; n <= 2 * EVENTS; n += 1) await stack.publish(account, message(n));
    await waitFor(async () => (await unfinished(stack, account)) === 0, HANG_GUARD);

    expect(arrived()).toEqual(arrived().toSorted((a, b) => a - b));
    expect([...new Set(arrived())]).toEqual(range(2 * EVENTS));
    // Only the delivery whose attempt could not be recorded was repeated.
    expect(arrived().filter((n) => n !== STOP_AT)).toHaveLength(2 * EVENTS - 1);
    const { count } = await stack.call<{ count: number }>(
      'GET',
      `/v1/accounts/${account}/deliveries/count?status=succeeded`,
    );
    expect(count).toBe(2 * EVENTS);
    await endpoint.close();
  }, 900_000);
});

const message = (n: number) => `{"event":"message:created","payload":{"n":${n}}}`;
const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Kills a worker at once. Returns when another one has replaced it. */
async function killAndReplace(stack: Stack): Promise<{ started: Promise<unknown> }> {
  const worker = await waitFor(() => stack.workers.shift());
  worker.kill('SIGKILL');
  await once(worker, 'exit');
  return { started: stack.startWorker() };
}

async function unfinished(stack: Stack, account: string): Promise<number> {
  const { count } = await stack.call<{ count: number }>(
    'GET',
    `/v1/accounts/${account}/deliveries/count?status=pending&status=held`,
  );
  return count;
}
