import { randomBytes } from 'node:crypto';
import type { PostRequest, PostResult } from '@posthorn/sender';
import { cloneDatabase, isWaitingForLock, waitFor } from '@posthorn/testing';
import pg from 'pg';
import { inject } from 'vitest';
import { eraseStep } from './accounts/erase-accounts.js';
import { putAccount } from './accounts/put-account.js';
import { openCipher } from './cipher.js';
import { type Database, openDatabase } from './database.js';
import { makeRetryWhileUnavailable } from './database-away.js';
import { type Attempter, type AttemptOptions, openAttempter } from './deliver/attempt-delivery.js';
import type { RetryPolicy, RetryRules } from './deliver/retry-policy.js';
import { openConcurrencyLimiter } from './throttle/concurrency-limiter.js';
import type { Deps, Due, QueueName } from './deps.js';
import { freezeEvent } from './publish/freeze-event.js';
import { dispatch, dispatchVerifications } from './dispatch/dispatch.js';
import { type Publisher, openPublisher } from './publish/publisher.js';
import { findUnsettled } from './settle/find-unsettled.js';
import { settleStep } from './settle/settle-step.js';
import { createSubscription } from './subscriptions/create-subscription.js';
import { type Subscription, SUBSCRIPTION_PARTS } from './subscriptions/subscription.js';
import { openVerifier } from './verifications/attempt-verification.js';

/** Any policy of a subscription is within these. */
const NO_LIMITS = { maxAttempts: 101, maxRetrySeconds: 60_480_000, minWaitSeconds: 0, maxTimeoutMs: 120_000 };
export const ONE_SECOND: RetryRules = { waitsMs: [], timeoutMs: 1_000, limits: NO_LIMITS };

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A separate ledger for a test file: a real database, with small working models of the ports `post` and `enqueue`. */
export interface Ledger extends Deps {
  publisher: Publisher;
  /** Jobs that were enqueued and have not run yet. */
  jobs: (Due & { queue: QueueName })[];
  /** How the next POSTs end, in order; the last entry repeats. Default: 200. */
  results: (Partial<PostResult> | ((request: PostRequest) => Partial<PostResult> | Promise<Partial<PostResult>>))[];
  /** All POSTs made. */
  posts: PostRequest[];
  /** false: the queue accepts nothing. */
  setQueue(isUp: boolean): void;
  /** `waitsMs` and `timeoutMs` are the operator's default. */
  attempter(options?: Partial<AttemptOptions & RetryPolicy>): Attempter;
  /** Runs due jobs and their follow-up jobs until none is left. */
  work(): Promise<void>;
  /** Like work, with a dispatcher: until nothing is due in the queue or the ledger. */
  settle(): Promise<void>;
  /** Moves the dispatcher's entries a second ahead, so that it looks at waiting deliveries again. */
  passSecond(): Promise<void>;
  account(id?: string): Promise<string>;
  activeSubscription(accountId: string, options?: { url?: string; events?: string[] }): Promise<Subscription>;
  publish(accountId: string, options?: { type?: string; payload?: string; key?: string }): Promise<string>;
  /** Erases all deleted accounts. */
  erase(): Promise<void>;
  counts(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

export async function openLedger(): Promise<Ledger> {
  const database = await cloneDatabase(inject('templateDatabaseUrl'));
  const db: Database = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 10, log: silent });
  const cipher = openCipher({ current: randomBytes(32).toString('base64') });
  const jobs: Ledger['jobs'] = [];
  const results: Ledger['results'] = [];
  const posts: PostRequest[] = [];
  let isUp = true;
  let accounts = 0;

  const enqueue: Deps['enqueue'] = (queue, due) => {
    if (!isUp) return Promise.resolve(false);
    for (const one of due) {
      const known = jobs.find(
        (job) => job.queue === queue && job.id === one.id && job.attemptNumber === one.attemptNumber,
      );
      if (!known || one.leasedBefore === 'deferred') jobs.push({ ...one, queue });
      else if (one.leasedBefore === 'expired')
        jobs[jobs.indexOf(known)] = { ...one, queue, delayMs: known.delayMs ?? 0, rank: known.rank ?? 0 };
    }
    return Promise.resolve(true);
  };
  const post = async (request: PostRequest): Promise<PostResult> => {
    posts.push(request);
    const result = results.length > 1 ? results.shift() : results[0];
    return { ...OK, startedAt: new Date(), ...(typeof result === 'function' ? await result(request) : result) };
  };
  const deps: Deps = { db, enqueue, cipher };
  const publisher = openPublisher(deps);
  const retryWhileUnavailable = makeRetryWhileUnavailable({ log: silent });
  const attempter: Ledger['attempter'] = ({ timeoutMs = 1_000, waitsMs = [0, 0, 60_000], ...options } = {}) =>
    openAttempter({
      ...deps,
      post,
      log: silent,
      retryWhileUnavailable,
      limiter: openConcurrencyLimiter({ slots: 100 }),
      retries: { timeoutMs, waitsMs, limits: NO_LIMITS },
      failingAfterMs: 432_000_000,
      random: () => 0,
      ...options,
    });
  const verifier = openVerifier({ ...deps, post, log: silent, retryWhileUnavailable, retries: ONE_SECOND });
  const ledger: Ledger = {
    ...deps,
    publisher,
    jobs,
    results,
    posts,
    attempter,
    setQueue: (up) => (isUp = up),
    async work() {
      const { signal } = new AbortController();
      const worker = attempter();
      for (let due = take(); due; due = take()) {
        await (due.queue === 'verify' ? verifier.attempt(due, signal) : worker.attempt(due, signal));
      }
      await worker.drain();
      function take() {
        const index = jobs.findIndex(({ delayMs = 0 }) => delayMs < 1_000);
        return index === -1 ? undefined : jobs.splice(index, 1)[0];
      }
    },
    async settle() {
      for (;;) {
        await ledger.work();
        await ledger.passSecond();
        const round = await dispatch(ledger);
        if (round.enqueued + (await dispatchVerifications(ledger)) === 0 && !round.isMoreDue) return;
      }
    },
    async passSecond() {
      await db.pool.query(`UPDATE due_subscriptions SET due_at = due_at - interval '1 second'`);
    },
    async account(id = `account-${++accounts}`) {
      await putAccount(deps, { id });
      return id;
    },
    async activeSubscription(accountId, { url = 'https://hooks.example.com/webhook', events = [] } = {}) {
      const created = await createSubscription(deps, { accountId, url, events }, { maxSubscriptions: 1_000 });
      if (created.outcome !== 'created') throw new Error(created.outcome);
      const { id, verificationId } = created.subscription;
      const echo: Ledger['results'][number] = ({ body }) => ({ body: Buffer.from(challengeOf(body)) });
      const kept = results.splice(0, results.length, echo);
      const index = jobs.findIndex((job) => job.id === verificationId);
      const [job] = jobs.splice(index, 1);
      if (job) await verifier.attempt(job, new AbortController().signal);
      results.splice(0, results.length, ...kept);
      posts.length = 0;
      return db.prisma.subscription.findUniqueOrThrow({ where: { id }, include: SUBSCRIPTION_PARTS });
    },
    async publish(accountId, { type = 'message:created', payload = '{"id":"m1"}', key } = {}) {
      const frozen = freezeEvent(Buffer.from(`{"event":"${type}","payload":${payload}}`));
      if (!frozen.ok) throw new Error(frozen.message);
      const result = await publisher.publish({ accountId, frozen: frozen.frozen, idempotencyKey: key ?? null });
      if (!('event' in result)) throw new Error(result.outcome);
      return result.event.id;
    },
    async erase() {
      while ((await eraseStep(db.pool)) !== null);
    },
    async counts() {
      const tables = [
        'accounts',
        'subscriptions',
        'secrets',
        'verifications',
        'events',
        'deliveries',
        'attempts',
        'verification_attempts',
        'idempotency_keys',
        'operational_events',
      ];
      const { rows } = await db.pool.query<Record<string, string>>(
        `SELECT ${tables.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`).join(', ')}`,
      );
      return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([table, count]) => [table, Number(count)]));
    },
    async close() {
      await publisher.drain();
      await db.close();
      await database.drop();
    },
  };
  return ledger;
}

/** A database whose statements go through `around`, which gets the text or name of each and may run it. */
export function interpose(
  db: Database,
  around: (statement: string, run: () => Promise<unknown>) => Promise<unknown>,
): Database {
  const pool = new Proxy(db.pool, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'query') return typeof value === 'function' ? value.bind(target) : value;
      return (query: string | { name: string }, values?: unknown[]) =>
        around(typeof query === 'string' ? query : query.name, () => target.query(query as string, values));
    },
  });
  return { ...db, pool };
}

/** Whether a statement that `interpose` sees records attempts. */
export const isRecord = (statement: string): boolean => /^record-(?:pending|finished)_deliveries$/.test(statement);
/** Whether a statement that `interpose` sees holds, releases, cancels or ends deliveries, or shortens their leases. */
export const changesPending = (statement: string): boolean =>
  /^\s*(?:UPDATE|WITH)\s/.test(statement) && /\b(?:UPDATE|DELETE FROM) pending_deliveries\b/.test(statement);

/** A pool with one connection to the same database. `end()` resolves before the socket has closed, so the socket may
 *  still report that the database was dropped. Without a listener that error would end the test run. */
export function openSingleConnection({ pool }: Pick<Database, 'pool'>): pg.Pool {
  const single = new pg.Pool({ ...pool.options, max: 1 });
  single.on('error', () => {});
  return single;
}

/** Settles the subscriptions of an account, like workers. For fewer deliveries than one step looks at. */
export async function settleAccount(pool: pg.Pool, accountId: string): Promise<void> {
  await findUnsettled(pool);
  const { rows } = await pool.query<{ id: string }>(
    'SELECT s.id FROM settlements t JOIN subscriptions s ON s.id = t.subscription_id WHERE s.account_id = $1 ORDER BY s.id',
    [accountId],
  );
  for (const { id } of rows) await settleStep(pool, { subscriptionId: id });
}

/** Resolves when a statement in this database waits for a lock. */
export const somebodyWaits = (pool: pg.Pool): Promise<boolean> =>
  waitFor(() => isWaitingForLock(pool), { what: 'a statement that waits for a lock' });

export const challengeOf = (body: Uint8Array): string =>
  (JSON.parse(Buffer.from(body).toString()) as { payload: string }).payload;

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
export const FAILED: Partial<PostResult> = { outcome: 'http_error', statusCode: 500, body: Buffer.from('no') };
export const GONE: Partial<PostResult> = { outcome: 'http_error', statusCode: 410 };
