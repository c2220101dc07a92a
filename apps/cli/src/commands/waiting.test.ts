import { PassThrough } from 'node:stream';
import { type Endpoint, openEndpoint, type ScriptedResponse } from '@posthorn/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../api/open-api.js';
import { openTerminal } from '../output/terminal.js';
import type { ApiCall, GlobalOptions } from './context.js';
import { startReplay } from './replays.js';
import { tail } from './tail.js';
import { trigger } from './trigger.js';

// What `--wait` makes of states that are hard to reach in time with the real API. e2e/cli.test.ts uses the real one.
let server: Endpoint;
beforeEach(async () => {
  server = await openEndpoint();
});
afterEach(() => server.close());

const json = (body: unknown, status = 200): ScriptedResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** Responds by method and path without its query. An array is a script, whose last response repeats. */
function serve(routes: Record<string, ScriptedResponse[]>): void {
  server.respondWith(({ method, path }) => {
    const name = `${method} ${path.replace('/webhook/v1', '').replace('/accounts/acme', '').replace(/\?.*/, '')}`;
    const script = routes[name] ?? [];
    return (script.length > 1 ? script.shift() : script[0]) ?? 404;
  });
}

/** Calls a command. Returns what it printed on stdout. */
async function run<Options>(
  command: (call: ApiCall<Options>) => Promise<void>,
  options: Options & GlobalOptions,
  args: string[] = [],
): Promise<{ error: Error | null; stdout: string }> {
  const out = new PassThrough();
  const api = connect({ url: new URL(server.url), apiKey: 'key', account: 'acme', source: 'test' });
  const terminal = openTerminal({ isJson: true, hasColour: false, out, err: new PassThrough() });
  const error = await command({ api, args, options, terminal }).then(
    () => null,
    (thrown: Error) => thrown,
  );
  return { error, stdout: String(out.read() ?? '') };
}

describe('trigger --wait', () => {
  const NONE = { pending: 0, held: 0, succeeded: 0, failed: 0, canceled: 0 };
  const event = (counts: object) => json({ id: 'evt_1', deliveryCounts: { ...NONE, ...counts } });
  const page = (statuses: string[], nextCursor: string | null = null) =>
    json({ data: statuses.map((status, index) => ({ id: `dlv_${index}`, status, lastAttempt: null })), nextCursor });
  const publish = (deliveries: number) =>
    json({ id: 'evt_1', event: 'message:created', deliveries, duplicate: false }, 202);
  const wait = (timeout: number) => run(trigger, { wait: true, timeout }, ['message:created']);

  function serveEvent({
    deliveries,
    counts,
    pages,
  }: {
    deliveries: number;
    counts: object[];
    pages: ScriptedResponse[];
  }) {
    serve({
      'GET /event-types/message%3Acreated': [json({ example: {} })],
      'POST /events': [publish(deliveries)],
      'GET /events/evt_1': counts.map(event),
      'GET /deliveries': pages,
    });
  }

  it('waits until every delivery exists and has ended, and prints those of all pages', async () => {
    const statuses = Array.from({ length: 100 }, () => 'succeeded');
    serveEvent({
      deliveries: 101,
      counts: [{}, { succeeded: 100 }, { succeeded: 100, pending: 1 }, { succeeded: 101 }],
      pages: [page(statuses, 'next'), page(['succeeded'])],
    });
    const { error, stdout } = await wait(60_000);
    expect(error).toBeNull();
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; id: string });
    expect(lines[0]).toMatchObject({ type: 'event', id: 'evt_1' });
    expect(lines.filter(({ type }) => type === 'delivery')).toHaveLength(101);
  });

  it.each([
    ['no delivery exists yet', {}, [], '2 expanding'],
    ['a subscription is paused', { succeeded: 1, held: 1 }, ['succeeded', 'held'], '1 held'],
    ['one is pending', { succeeded: 1, pending: 1 }, ['succeeded', 'pending'], '1 pending'],
  ])('fails at the time limit if %s', async (_what, counts, statuses, state) => {
    serveEvent({ deliveries: 2, counts: [counts], pages: [page(statuses)] });
    const { error } = await wait(0);
    expect(error?.message).toBe(`Deliveries have not ended after 0 s: ${state}.`);
  });

  it('fails if a delivery on the second page failed', async () => {
    serveEvent({
      deliveries: 2,
      counts: [{ succeeded: 1, failed: 1 }],
      pages: [page(['succeeded'], 'next'), page(['failed'])],
    });
    expect((await wait(0)).error?.message).toBe('1 of 2 deliveries failed.');
  });

  it('succeeds if no subscription matches', async () => {
    serveEvent({ deliveries: 0, counts: [{}], pages: [page([])] });
    expect((await wait(0)).error).toBeNull();
  });
});

it('regression: trigger --count prints the published events when a later one is refused', async () => {
  const event = (id: string) => json({ id, event: 'message:created', deliveries: 1, duplicate: false }, 202);
  serve({
    'GET /event-types/message%3Acreated': [json({ example: {} })],
    'POST /events': [event('evt_1'), event('evt_2'), json({ code: 'invalid_request', detail: 'No.' }, 422)],
  });
  const { error, stdout } = await run(trigger, { count: 5 }, ['message:created']);
  expect(error?.message).toBe('No.');
  expect(stdout.match(/evt_\d/g)).toEqual(['evt_1', 'evt_2']);
});

describe('replay --wait', () => {
  const replay = (fields: object) =>
    json({
      id: 'rpl_1',
      status: 'delivering',
      matched: 2,
      queued: 2,
      delivered: 1,
      failed: 0,
      pending: 1,
      endedAt: null,
      ...fields,
    });
  const wait = (timeout: number) =>
    run(startReplay, { which: 'failed', since: '2026-01-01T00:00:00Z', wait: true, timeout });

  it('fails at the time limit while deliveries are pending, as those of a paused subscription', async () => {
    serve({ 'POST /replays': [replay({})] });
    expect((await wait(0)).error?.message).toBe('The replay has not ended after 0 s: 1 of 2 are pending.');
  });

  it('fails if the replay is canceled', async () => {
    serve({
      'POST /replays': [replay({ status: 'running' })],
      'GET /replays/rpl_1': [replay({ status: 'canceled', endedAt: '2026-01-01T00:00:01Z' })],
    });
    expect((await wait(60_000)).error?.message).toBe('The replay was canceled after it had queued 2 deliveries.');
  });

  it('succeeds when all deliveries have succeeded', async () => {
    const ended = { status: 'completed', delivered: 2, pending: 0, endedAt: '2026-01-01T00:00:01Z' };
    serve({ 'POST /replays': [replay({})], 'GET /replays/rpl_1': [replay({}), replay(ended)] });
    const { error, stdout } = await wait(60_000);
    expect([error, JSON.parse(stdout)]).toEqual([null, expect.objectContaining(ended)]);
  });
});

it.each([
  ['--status', { status: ['succeded'] }, 'Use one of: pending, held, succeeded, failed, canceled.'],
  ['--outcome', { outcome: ['ok', 'slow'] }, expect.stringContaining('Use one of: ok, http_error,')],
])('tail refuses an unknown %s, which no item would ever have', async (option, options, fix) => {
  const { error } = await run(tail, options);
  expect(error).toMatchObject({ message: expect.stringMatching(`${option}: ".*" is unknown`), fix, exitCode: 2 });
  expect(server.requests).toEqual([]);
});
