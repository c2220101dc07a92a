import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Client } from 'undici';
import { cpuUs } from './read-cpu.js';
import type { Case, Metrics, Tools } from './scenario.js';
import type { Posthorn } from './start-posthorn.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const PAYLOAD_BYTES = 256 * KIB;
const BATCH_BYTES = 16 * MIB;

interface Hostile {
  request: string;
  /** The expected status. */
  status: number;
  method: 'GET' | 'POST' | 'PUT';
  path: string;
  body?: () => Buffer;
  headers?: Record<string, string>;
}

/** Without bodies, which are large. */
export const REQUEST_CASES = hostileRequests('any').map(({ request, status }) => ({ request, status }));

/** Sends hostile requests, and the largest valid ones, to an API process, one after the other. */
export async function openRequestCases({ startPosthorn, closeLater }: Tools): Promise<Case[]> {
  const preload = new URL('./watch-turns.js', import.meta.url).href;
  const posthorn = await startPosthorn({ workers: 0, env: { NODE_OPTIONS: `--import ${preload}` } });
  const timeouts = { headersTimeout: 120_000, bodyTimeout: 120_000 };
  const [client, livez] = [new Client(posthorn.apiUrl, timeouts), new Client(posthorn.apiUrl, timeouts)];
  closeLater(() => Promise.all([client.destroy(), livez.destroy()]));
  const account = await fill(posthorn);
  return hostileRequests(account).map((one) => ({
    name: one.request,
    measure: () => measure(posthorn, { client, livez, one }),
  }));
}

/** Measures CPU of the API process (in steps of 10 ms) and of the longest turn of its event loop, and the slowest /livez meanwhile.
 *  Sends the request twice, since watching the turns costs CPU. */
async function measure(
  posthorn: Posthorn,
  { client, livez, one }: { client: Client; livez: Client; one: Hostile },
): Promise<Metrics> {
  const sent = { ...one, body: one.body?.() };
  const before = cpuUs(posthorn.api.pid ?? 0);
  const probe = probeLivez(livez);
  const status = await send(posthorn, client, sent);
  const livezMs = await probe.stop();
  const cpuMs = (cpuUs(posthorn.api.pid ?? 0) - before) / 1_000;

  posthorn.api.send('watch');
  await send(posthorn, client, sent);
  posthorn.api.send('report');
  const [{ longestMs }] = (await once(posthorn.api, 'message')) as [{ longestMs: number }];
  return { status, cpuMs, longestTurnMs: longestMs, livezMs };
}

async function send(
  posthorn: Posthorn,
  client: Client,
  { method, path, body, headers }: Omit<Hostile, 'body'> & { body: Buffer | undefined },
): Promise<number> {
  const response = await client.request({
    method,
    path,
    headers: {
      authorization: `Bearer ${posthorn.operatorKey}`,
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body }),
  });
  for await (const _ of response.body); // reads all of it
  return response.statusCode;
}

/** Sends one request after the other until it is stopped. `stop` returns the slowest response. */
function probeLivez(client: Client): { stop: () => Promise<number> } {
  const stopping = new AbortController();
  async function run(): Promise<number> {
    let slowestMs = 0;
    do {
      const start = performance.now();
      const { body } = await client.request({ method: 'GET', path: '/livez' });
      await body.dump();
      slowestMs = Math.max(slowestMs, performance.now() - start);
      await pause(2);
    } while (!stopping.signal.aborted);
    return slowestMs;
  }
  const running = run();
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}

/** Fills lists with 101 of the largest allowed objects, but only as many subscriptions as may be verified per minute. Returns the
 *  account. */
async function fill({ call }: Posthorn): Promise<string> {
  const account = 'bench-hostile';
  async function put(method: 'PUT' | 'POST', path: string, body: string): Promise<void> {
    const { status, text } = await call(method, path, body);
    if (status >= 400 && status !== 429) throw new Error(`${method} ${path}: ${status} ${text}`);
  }
  const metadata = `{"a":${numbers(16 * KIB - 10)}}`;
  await put('PUT', `/v1/accounts/${account}`, `{"metadata":${metadata}}`);
  for (let n = 0; n <= 100; n += 1) {
    await put('PUT', `/v1/accounts/${account}-${n}`, `{"metadata":${metadata}}`);
    await put('PUT', `/v1/event-types/bench:${n}`, eventType(24_000));
    const headers = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`x-${at}-${'n'.repeat(110)}`, 'v']));
    const body = `{"url":"https://hooks.example.com/${n}","headers":${JSON.stringify(headers)},"metadata":${metadata}}`;
    await put('POST', `/v1/accounts/${account}/subscriptions`, body);
  }
  return account;
}

/** Long, because it is the table of all requests. Their bodies are made when they are sent. */
function hostileRequests(account: string): Hostile[] {
  const at = `/v1/accounts/${account}`;
  const post = (status: number, request: string, path: string, body: () => string): Hostile => ({
    request,
    status,
    method: 'POST',
    path,
    body: () => Buffer.from(body()),
  });
  const put = (status: number, request: string, path: string, body: () => string): Hostile => ({
    ...post(status, request, path, body),
    method: 'PUT',
  });
  const get = (status: number, request: string, path: string): Hostile => ({ request, status, method: 'GET', path });
  const publish = (status: number, request: string, body: () => string) => post(status, request, `${at}/events`, body);
  const batch = (status: number, request: string, body: () => string) =>
    post(status, request, `${at}/events/batch`, body);
  const inGzip = ({ body, ...one }: Hostile): Hostile => ({
    ...one,
    headers: { 'content-encoding': 'gzip' },
    ...(body && { body: () => gzipSync(body()) }),
  });
  const bomb = () => '\0'.repeat(256 * MIB);
  return [
    publish(202, 'a small event', () => event('{"a":1}')),
    publish(202, '256 KiB in one string', () => event(`{"a":"${'x'.repeat(PAYLOAD_BYTES - 8)}"}`)),
    publish(202, '256 KiB of keys', () => event(keys(PAYLOAD_BYTES))),
    publish(202, '256 KiB of nested keys', () => event(`{"a":${keys(PAYLOAD_BYTES - 6)}}`)),
    publish(202, '256 KiB of numbers', () => event(`{"a":${numbers(PAYLOAD_BYTES - 6)}}`)),
    publish(202, '256 KiB nested 1000 deep', () => event(`{"a":[${`${deep(998)},`.repeat(100)}0]}`)),
    publish(202, '256 KiB of escapes', () => event(`{"a":"${'\\u00e9'.repeat(43_000)}"}`)),
    inGzip(publish(413, 'a bomb of 256 MiB in gzip', bomb)),
    batch(422, '8 M [', () => `{"events":[${'['.repeat(8e6)}`),
    batch(422, '8 M [ in a payload', () => `{"events":[{"event":"a:b","payload":{"a":${'['.repeat(8e6)}`),
    batch(422, '8 M elements', () => `{"events":[${'0,'.repeat(8e6)}0]}`),
    batch(
      413,
      '8 M elements in a payload',
      () => `{"events":[{"event":"a:b","payload":{"a":[${'0,'.repeat(8e6)}0]}}]}`,
    ),
    batch(422, '1 M keys', () => keys(BATCH_BYTES)),
    batch(413, '1 M keys in a payload', () => `{"events":[{"event":"a:b","payload":${keys(BATCH_BYTES - 100)}}]}`),
    batch(422, 'one key of 16 MiB', () => `{"${'k'.repeat(BATCH_BYTES - 10)}":1}`),
    batch(422, '16 MiB of white space', () => `{"events":[${' '.repeat(BATCH_BYTES - 100)}1]}`),
    batch(
      413,
      '15 MiB of white space in a payload',
      () => `{"events":[{"event":"a:b","payload":${spaced(15 * MIB)}}]}`,
    ),
    batch(202, '30 × 500 KiB, half of them white space', () => batchOf(30, spaced(500 * KIB))),
    batch(202, '500 × 32 KB', () => batchOf(500, `{"a":"${'x'.repeat(32_000)}"}`)),
    batch(202, '500 × 32 KB of numbers', () => batchOf(500, `{"a":${numbers(32_000)}}`)),
    batch(202, '500 × 32 KB of keys', () => batchOf(500, keys(32_000))),
    batch(202, '500 × 32 KB, two-byte characters', () => batchOf(500, `{"a":"${'é'.repeat(16_000)}"}`)),
    batch(202, '60 × 256 KiB of keys', () => batchOf(60, keys(PAYLOAD_BYTES))),
    inGzip(batch(202, '500 × 32 KB in gzip', () => batchOf(500, `{"a":${numbers(32_000)}}`))),
    inGzip(batch(413, 'a batch that is a bomb of 256 MiB in gzip', bomb)),
    batch(202, '500 small events', () => batchOf(500, '{"a":1}')),
    put(200, 'event type, 2 × 256 KiB, 48,000 values', '/v1/event-types/bench:0', () => eventType(24_000)),
    put(
      422,
      'event type, 1 MiB of numbers',
      '/v1/event-types/bench:0',
      () => `{"example":{"a":${numbers(MIB - 100)}}}`,
    ),
    post(422, 'subscription with 10,000 unknown fields', `${at}/subscriptions`, () => keys(128 * KIB)),
    post(
      422,
      'subscription with 64,000 numbers',
      `${at}/subscriptions`,
      () => `{"events":${numbers(128 * KIB - 100)}}`,
    ),
    post(422, 'subscription with metadata too large', `${at}/subscriptions`, () => `{"metadata":${keys(120 * KIB)}}`),
    post(422, 'key with 9,000 scopes', `${at}/keys`, () => `{"name":"a","scopes":${numbers(18_000)}}`),
    post(422, 'portal with 9,000 capabilities', `${at}/portal-sessions`, () => `{"capabilities":${numbers(18_000)}}`),
    post(413, 'session of 128 KiB', '/v1/session', () => keys(128 * KIB)),
    get(200, '100 event types of 512 KiB', '/v1/event-types?limit=100'),
    get(200, '100 accounts', '/v1/accounts?limit=100&stats=24h'),
    get(200, '100 subscriptions', `${at}/subscriptions?limit=100&stats=24h`),
    get(200, '100 audit entries', '/v1/audit?limit=100'),
    get(200, '100 events', `${at}/events?limit=100`),
    get(422, 'a query of 15 KiB', `${at}/deliveries?${'status=failed&'.repeat(1_000)}`),
  ];
}

const event = (payload: string): string => `{"event":"message:created","payload":${payload}}`;
const batchOf = (count: number, payload: string): string =>
  `{"events":[${Array.from({ length: count }, (_, n) => `{"idempotencyKey":"${payload.length}-${n}",${event(payload).slice(1)}`).join(',')}]}`;

/** `[0,0,…]` of this many bytes. */
const numbers = (bytes: number): string => `[${'0,'.repeat(Math.floor((bytes - 3) / 2))}0]`;
const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

/** `{"0":0,"1":0,…}` of at most about this many bytes. */
function keys(bytes: number): string {
  const members: string[] = [];
  for (let n = 0, size = 2; ; n += 1) {
    const member = `"${n.toString(36)}":0`;
    size += member.length + 1;
    if (size > bytes) return `{${members.join(',')}}`;
    members.push(member);
  }
}

/** A payload of this many bytes, half of them white space. */
const spaced = (bytes: number): string => `{"a":[${'0, \n '.repeat(Math.floor((bytes - 10) / 5))}0]}`;

/** An event type of the maximum size, with this many values in each of its two documents. */
function eventType(values: number): string {
  const each = Math.floor((PAYLOAD_BYTES - 10 * KIB) / values);
  const document = `{"a":[${Array.from({ length: values - 3 }, () => `"${'x'.repeat(each - 3)}"`).join(',')}]}`;
  return `{"example":${document},"schema":${document.replace('"a"', '"x-a"')}}`;
}
