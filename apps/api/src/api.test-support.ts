import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { type Scope, SCOPES } from '@posthorn/contract';
import {
  type Deps,
  type Due,
  openAttempter,
  dispatch,
  openConcurrencyLimiter,
  openCipher,
  openDatabase,
  openPublisher,
  openReader,
  makeRetryWhileUnavailable,
  openVerifier,
  toRetryRules,
  type QueueName,
} from '@posthorn/core';
import type { QueueMetrics } from '@posthorn/jobs';
import { type PostRequest, type PostResult, readAddressPolicy } from '@posthorn/sender';
import { cloneDatabase } from '@posthorn/testing';
import type { InjectOptions } from 'fastify';
import { pino } from 'pino';
import { inject } from 'vitest';
import { buildApp } from './app.js';
import type { ApiDeps, App } from './deps.js';
import { type Document, openDocumentCheck } from './document-check.test-support.js';
import { type SystemMetricsOptions, openSystemMetrics } from './system-metrics.js';
import { openMetrics } from './metrics.js';

export const OPERATIONS_ACCOUNT = 'posthorn';
export const OPERATOR_KEY = 'operator-Yb3kq0vTn5Wf8sLr2cXh';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Call {
  /** The key to send; null: none. Default: the operator key. */
  key?: string | null;
  /** Sent as JSON; a string is sent unchanged. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface ApiResponse {
  status: number;
  headers: Record<string, unknown>;
  text: string;
  /** The parsed body. */
  // oxlint-disable-next-line typescript/no-explicit-any
  json: any;
}

/** The API with its own database. `post` and `enqueue` are small working models. */
export interface TestApi {
  app: App;
  document: Document;
  deps: ApiDeps;
  /** Sends a request, and checks the response against the OpenAPI document. */
  call(method: Method, url: string, call?: Call): Promise<ApiResponse>;
  /** Jobs that were enqueued and have not run yet. */
  jobs: (Due & { queue: QueueName })[];
  /** If true, verifications are attempted as soon as they are due, as a worker would do. */
  verifyAtOnce(isOn: boolean): void;
  /** Sets how endpoints respond. Default: handshakes are echoed, everything else gets 200. */
  respond(how: (request: PostRequest) => Partial<PostResult>): void;
  posts: PostRequest[];
  /** Makes every due attempt, and those that follow from it. */
  work(): Promise<void>;
  /** Creates an account with a key. Default scopes: all. */
  account(): Promise<string>;
  key(account: string, scopes?: readonly Scope[]): Promise<string>;
  /** Opens a portal of the account. Returns its token. */
  portal(account: string, capabilities?: readonly Scope[]): Promise<string>;
  /** Creates a verified subscription. Returns its id in /v1. */
  activeSubscription(account: string, fields?: object): Promise<string>;
  /** Number of rows in each table. */
  counts(): Promise<Record<string, number>>;
  /** The log lines so far. */
  logged: string[];
  close(): Promise<void>;
}

interface Overrides extends Partial<ApiDeps> {
  /** Metrics of the queues. Default: idle. */
  readQueues?: SystemMetricsOptions['readQueues'];
}

/** All files of a vitest worker share the document and its compiled schemas, since they are the same for every test API. */
let shared: Promise<{ document: Document; check: ReturnType<typeof openDocumentCheck> }> | undefined;
const documented = (app: App): NonNullable<typeof shared> =>
  (shared ??= (async () => {
    const document: Document = (await app.inject('/openapi.json')).json();
    return { document, check: openDocumentCheck(document) };
  })());

export async function openTestApi({ readQueues = async () => IDLE, ...overrides }: Overrides = {}): Promise<TestApi> {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
  const db = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 10, log });
  const cipher = openCipher({ current: randomBytes(32).toString('base64') });

  const jobs: TestApi['jobs'] = [];
  const posts: PostRequest[] = [];
  const working = new Set<Promise<unknown>>();
  let verifiesAtOnce = false;
  let how: (request: PostRequest) => Partial<PostResult> = echo;
  const enqueue: Deps['enqueue'] = async (queue, due) => {
    jobs.push(...due.map((one) => ({ ...one, queue })));
    if (queue === 'verify' && verifiesAtOnce) {
      const work = workOff();
      working.add(work);
      void work.finally(() => working.delete(work));
    }
    return true;
  };
  const post = async (request: PostRequest): Promise<PostResult> => {
    posts.push(request);
    return { ...OK, startedAt: new Date(), ...how(request) };
  };
  const core = { db, enqueue, cipher };
  const retries = toRetryRules({
    retryScheduleSeconds: [60, ...Array.from({ length: 10 }, () => 3_600)],
    deliveryTimeoutMs: 1_000,
    maxAttempts: 20,
    maxRetryDays: 7,
    minRetryWaitSeconds: 1,
    maxDeliveryTimeoutMs: 30_000,
  });
  const worker = { ...core, post, log, retryWhileUnavailable: makeRetryWhileUnavailable({ log }), retries };
  const verifier = openVerifier(worker);
  const attempter = openAttempter({
    ...worker,
    limiter: openConcurrencyLimiter({ slots: 100 }),
    retries: { ...retries, waitsMs: [60_000] },
    failingAfterMs: 432_000_000,
    random: () => 0,
  });
  const publisher = openPublisher(core);
  const reader = overrides.reader ?? openReader({ primary: overrides.db ?? db, replica: null, log });
  const deps: ApiDeps = {
    ...core,
    publisher,
    reader,
    operatorKey: OPERATOR_KEY,
    operationsAccount: OPERATIONS_ACCOUNT,
    publicUrl: null,
    sendsEmails: true,
    boardUrl: null,
    trustedProxies: [],
    retries,
    sessionSeconds: 43_200,
    sessionIdleSeconds: 7_200,
    maxSubscriptionsPerAccount: 1_000,
    addresses: readAddressPolicy({
      allowPrivateNetworks: 'none',
      denyNetworks: 'none',
      requireHttps: true,
      publicUrl: null,
    }),
    checkQueue: async () => ({ status: 'ok', latencyMs: 1 }),
    systemMetrics: openSystemMetrics({ db: overrides.db ?? db, reader, readQueues, maxAgeMs: 0, log }),
    probeMaxAgeMs: 0,
    consoleDirectory: null,
    docsDirectory: null,
    frameAncestors: [],
    isDraining: () => false,
    tracePublish: null,
    metrics: openMetrics({ version: 'test' }),
    version: 'test',
    settings: [],
    log,
    ...overrides,
  };
  const app = await buildApp(deps);
  await app.ready();
  const { document, check } = await documented(app);
  let accounts = 0;

  const api: TestApi = {
    app,
    document,
    deps,
    jobs,
    posts,
    logged,
    verifyAtOnce: (isOn) => void (verifiesAtOnce = isOn),
    respond: (next) => void (how = next),
    async call(method, url, { key = OPERATOR_KEY, body, headers = {} } = {}) {
      const response = await ask({
        method,
        url,
        headers: {
          ...(key !== null && { authorization: `Bearer ${key}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && {
          payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
        }),
      });
      check(method, url, response);
      const isJson = /[/+]json\b/.test(String(response.headers['content-type']));
      return {
        status: response.statusCode,
        headers: response.headers,
        text: response.body,
        json: isJson ? JSON.parse(response.body) : null,
      };
    },
    async work() {
      await workOff();
      await Promise.all(working);
    },
    async account() {
      const account = `account-${++accounts}`;
      await api.call('PUT', `/v1/accounts/${account}`, { body: {} });
      return account;
    },
    async key(account, scopes = SCOPES) {
      const { json } = await api.call('POST', `/v1/accounts/${account}/keys`, { body: { name: 'test', scopes } });
      return json.key;
    },
    async portal(account, capabilities) {
      const body = capabilities ? { capabilities } : {};
      const { json: link } = await api.call('POST', `/v1/accounts/${account}/portal-sessions`, { body });
      const opened = await api.call('POST', '/v1/portal-session', { key: null, body: { token: link.token } });
      return opened.json.token;
    },
    async activeSubscription(account, fields = {}) {
      const body = { url: 'https://hooks.example.com/webhook', ...fields };
      const { json } = await api.call('POST', `/v1/accounts/${account}/subscriptions`, { body });
      await api.work();
      return json.id;
    },
    async counts() {
      const { rows } = await db.pool.query<{ counts: Record<string, number> }>(
        `SELECT json_object_agg(t, (xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM ' || t, false, true, '')))[1]::text::int) AS counts
         FROM unnest($1::text[]) t`,
        [TABLES],
      );
      return rows[0]?.counts ?? {};
    },
    async close() {
      await Promise.all(working);
      await app.close();
      await publisher.drain();
      await db.close();
      await database.drop();
    },
  };
  return api;

  /** Reads only the beginning of a stream, then disconnects. */
  async function ask(
    request: Omit<InjectOptions, 'url'> & { url: string },
  ): Promise<{ statusCode: number; headers: ApiResponse['headers']; body: string }> {
    if (!/\/stream(\?|$)/.test(request.url)) return app.inject(request);
    const response = await app.inject({ ...request, payloadAsStream: true });
    const isStream = String(response.headers['content-type']).startsWith('text/event-stream');
    if (isStream) response.raw.res.destroy();
    const body = isStream ? '' : await text(response.stream());
    return { statusCode: response.statusCode, headers: response.headers, body };
  }

  async function workOff() {
    const { signal } = new AbortController();
    do {
      for (let due = take(); due; due = take()) {
        await (due.queue === 'verify' ? verifier.attempt(due, signal) : attempter.attempt(due, signal));
      }
    } while ((await dispatch(core)).enqueued > 0);
  }

  function take() {
    const index = jobs.findIndex(({ delayMs = 0 }) => delayMs < 1_000);
    return index === -1 ? undefined : jobs.splice(index, 1)[0];
  }
}

const idle: QueueMetrics = { waiting: 0, prioritized: 0, active: 0, delayed: 0, failed: 0, oldestWaitingMs: null };
export const IDLE = { deliver: idle, retry: idle, verify: idle };

const TABLES = [
  'accounts',
  'api_keys',
  'event_types',
  'subscriptions',
  'secrets',
  'verifications',
  'events',
  'deliveries',
  'attempts',
  'verification_attempts',
  'idempotency_keys',
  'replays',
  'sessions',
];

export const echo = ({ body }: PostRequest): Partial<PostResult> => {
  const sent: { event: string; payload: unknown } = JSON.parse(Buffer.from(body).toString());
  return sent.event === 'webhook:verify' ? { body: Buffer.from(String(sent.payload)) } : {};
};

const OK: Omit<PostResult, 'startedAt'> = {
  outcome: 'ok',
  statusCode: 200,
  durationMs: 3,
  timings: { dnsMs: null, connectMs: 1, tlsMs: null, firstByteMs: 2 },
  remoteAddress: '192.0.2.1',
  request: { userAgent: 'Posthorn/test', bodyBytes: 50, signatureCount: 1, ownNames: [] },
  responseHeaders: { server: 'test' },
  body: Buffer.from('thanks'),
  bodyTruncated: false,
  bodyTooLarge: false,
  retryAfter: null,
  errorCode: null,
  error: null,
};
export const REFUSED: Partial<PostResult> = { outcome: 'http_error', statusCode: 500, body: Buffer.from('no') };
