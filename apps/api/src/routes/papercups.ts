import { isStorable, type Scope, toUuid } from '@posthorn/contract';
import {
  changeSubscription,
  checkWebhookUrl,
  createSubscription,
  deleteSubscription,
  findSubscription,
  openVerificationWait,
  type Subscription,
} from '@posthorn/core';
import { checkUrl } from '@posthorn/sender';
import type { FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiDeps, App, Routes } from '../deps.js';
import {
  ApiError,
  Forbidden,
  InvalidRequest,
  NotFound,
  RateLimited,
  TooManySubscriptions,
  TooManyWaiting,
  Unauthenticated,
} from '../errors.js';
import { type Caller, openIdentify } from '../plugins/api-key.js';
import { openShares } from '../shares.js';
import { droppedNote } from './check-subscription.js';
import { handlePapercupsError } from '../papercups-errors.js';
import {
  CHANGE_ERRORS,
  CREATE_ERRORS,
  DELETE_ERRORS,
  LIST_ERRORS,
  READ_ERRORS,
  VERIFY_ERRORS,
  PAPERCUPS_COLUMNS,
  PapercupsInput,
  papercupsJson,
  PapercupsSubscription,
  PapercupsVerify,
} from './papercups-shapes.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that a Papercups route requires. */
    scope?: Scope;
  }
}

// How long create, update and verify wait for the handshake of a worker, which takes at most 15 s.
const VERIFIED_WITHIN_MS = 20_000;
/** Concurrent requests of an account that wait for a handshake, per process. Each keeps a connection open for up to 20 s. */
const MAX_WAITING = 10;
const WAITS =
  'At most 10 requests of an account can wait for a handshake at the same time; one more is a 429 and changes nothing.';

const tags = ['Papercups'];
const security = [{ papercupsToken: [] }];
const one = z.object({ data: PapercupsSubscription }).meta({ id: 'PapercupsSubscriptionResponse' });
const many = z.object({ data: z.array(PapercupsSubscription) }).meta({ id: 'PapercupsSubscriptionsResponse' });
const verified = z.object({ data: z.object({ verified: z.boolean() }) }).meta({ id: 'PapercupsVerifyResponse' });

type Needed =
  | 'db'
  | 'enqueue'
  | 'cipher'
  | 'operatorKey'
  | 'operationsAccount'
  | 'maxSubscriptionsPerAccount'
  | 'addresses'
  | 'log';

/** Papercups' list has no pages. So many take about 4 MB and half a second. */
const MAX_LISTED = 10_000;

/** /api/event_subscriptions of Papercups, for the same subscriptions as /v1. The account is that of the key, so the operator key is
 *  not accepted. */
export const papercupsRoutes: Routes<Needed> = (root, deps) => {
  void root.register(
    async (scope) => {
      const app = scope.withTypeProvider<ZodTypeProvider>();
      const identify = openIdentify(deps);
      const handshakes = openHandshakeWait(deps);
      app.setErrorHandler(handlePapercupsError);
      app.addHook('onRequest', async (request) => {
        const needed = request.routeOptions.config.scope;
        if (needed === undefined) return;
        request.caller = await authenticate(identify, request.headers.authorization, needed);
      });
      listRoute(app, deps);
      createRoute(app, deps, handshakes);
      getRoute(app, deps);
      changeRoutes(app, deps, handshakes);
      deleteRoute(app, deps);
      verifyRoute(app, deps, handshakes);
    },
    { prefix: '/api' },
  );
};

const listRoute: Routes<'db' | 'maxSubscriptionsPerAccount'> = (app, deps) => {
  app.get(
    '/event_subscriptions',
    {
      config: { scope: 'subscriptions:read' },
      schema: {
        operationId: 'papercups.list',
        summary: 'List event subscriptions',
        description: `Returns the subscriptions of the account in one response, oldest first: at most ${MAX_LISTED}.`,
        tags,
        security,
        response: { 200: many, ...LIST_ERRORS },
      },
    },
    async (request, reply) => {
      const rows = await deps.db.prisma.subscription.findMany({
        where: { accountId: accountOf(request), deletedAt: null },
        select: PAPERCUPS_COLUMNS,
        orderBy: { id: 'asc' },
        take: Math.min(deps.maxSubscriptionsPerAccount, MAX_LISTED),
      });
      return reply.send({ data: rows.map(papercupsJson) });
    },
  );
};

function createRoute(
  app: App,
  deps: Pick<ApiDeps, 'db' | 'enqueue' | 'cipher' | 'maxSubscriptionsPerAccount' | 'addresses' | 'log'>,
  handshakes: HandshakeWait,
): void {
  app.post(
    '/event_subscriptions',
    {
      config: { audit: { target: 'subscription' }, scope: 'subscriptions:write', shownBody: PapercupsInput },
      schema: {
        operationId: 'papercups.create',
        summary: 'Create an event subscription',
        description: `Responds when the handshake has ended, or after 20 s. ${WAITS}`,
        tags,
        security,
        response: { 201: one, ...CREATE_ERRORS },
      },
    },
    async (request, reply) => {
      const input = readInput(request.body);
      const url = requireWebhookUrl(deps, input['webhook_url']);
      const filter = await translateScope(deps, input['scope']);
      const row = await handshakes.whileWaiting(accountOf(request), async () => {
        const result = await createSubscription(
          deps,
          { accountId: accountOf(request), url, ...filter },
          { maxSubscriptions: deps.maxSubscriptionsPerAccount },
        );
        switch (result.outcome) {
          case 'created':
            request.auditAfter = result.subscription;
            return handshakes.ended(result.subscription, result.subscription.verificationId);
          case 'account_unknown':
            throw new Unauthenticated('The account does not exist any more.');
          case 'quota_reached':
            throw new TooManySubscriptions(deps.maxSubscriptionsPerAccount);
          case 'headers_too_large':
          case 'filters_reached':
          case 'authentication_refused':
            throw new Error('no header, no filter and no authentication was given');
          case 'rate_limited':
            throw new RateLimited(result.retryAfterSeconds);
          default:
            return result satisfies never;
        }
      });
      return reply
        .code(201)
        .header('location', `/api/event_subscriptions/${row.id}`)
        .send({ data: papercupsJson(row) });
    },
  );
}

const getRoute: Routes<'db'> = (app, { db }) => {
  app.get(
    '/event_subscriptions/:id',
    {
      config: { scope: 'subscriptions:read' },
      schema: {
        operationId: 'papercups.get',
        summary: 'Get an event subscription',
        tags,
        security,
        params: IdParams,
        response: { 200: one, ...READ_ERRORS },
      },
    },
    async (request, reply) => {
      const row = await findSubscription(db, keyOf(request, request.params.id));
      if (!row) throw new NotFound('subscription');
      return reply.send({ data: papercupsJson(row) });
    },
  );
};

function changeRoutes(
  app: App,
  deps: Pick<ApiDeps, 'db' | 'enqueue' | 'cipher' | 'addresses' | 'log'>,
  handshakes: HandshakeWait,
): void {
  for (const [method, operationId] of [['PUT', 'papercups.put'] as const, ['PATCH', 'papercups.patch'] as const]) {
    app.route({
      method,
      url: '/event_subscriptions/:id',
      config: { audit: { target: 'subscription' }, scope: 'subscriptions:write', shownBody: PapercupsInput },
      schema: {
        operationId,
        summary: 'Change an event subscription',
        description:
          'Absent fields stay unchanged. A new URL is verified first. The response shows the URL that receives events: the old one, if the ' +
          `verification failed. ${WAITS}`,
        tags,
        security,
        params: IdParams,
        response: { 200: one, ...CHANGE_ERRORS },
      },
      handler: async (request, reply) => {
        const input = readInput(request.body);
        const key = keyOf(request, request.params.id);
        const changes = {
          ...('webhook_url' in input && { url: requireWebhookUrl(deps, input['webhook_url']) }),
          ...('scope' in input && (await translateScope(deps, input['scope']))),
        };
        const change = async () => {
          const result = await changeSubscription(deps, { ...key, changes });
          if (result.outcome === 'not_found') throw new NotFound('subscription');
          if (result.outcome === 'rate_limited') throw new RateLimited(result.retryAfterSeconds);
          if (result.outcome !== 'changed') throw new Error('no header, no filter and no authentication was changed');
          request.auditAfter = result.subscription;
          request.auditNotes = droppedNote(result);
          return handshakes.ended(result.subscription, result.verificationId);
        };
        const row = await ('url' in changes ? handshakes.whileWaiting(key.accountId, change) : change());
        return reply.send({ data: papercupsJson(row) });
      },
    });
  }
}

const deleteRoute: Routes<'db' | 'enqueue' | 'log'> = (app, deps) => {
  app.delete(
    '/event_subscriptions/:id',
    {
      config: { audit: { target: 'subscription' }, scope: 'subscriptions:write' },
      schema: {
        operationId: 'papercups.delete',
        summary: 'Delete an event subscription',
        tags,
        security,
        params: IdParams,
        response: { 204: z.undefined(), ...DELETE_ERRORS },
      },
    },
    async (request, reply) => {
      const { outcome } = await deleteSubscription(deps, keyOf(request, request.params.id));
      if (outcome === 'not_found') throw new NotFound('subscription');
      return reply.code(204).send();
    },
  );
};

function verifyRoute(
  app: App,
  deps: Pick<ApiDeps, 'db' | 'enqueue' | 'cipher' | 'addresses' | 'log'>,
  handshakes: HandshakeWait,
): void {
  app.post(
    '/event_subscriptions/verify',
    {
      config: { audit: false, scope: 'subscriptions:write', shownBody: PapercupsVerify },
      schema: {
        operationId: 'papercups.verify',
        summary: 'Verify a URL without storing it',
        description: `A URL that is not allowed, or above the limit per minute, is \`verified: false\`. ${WAITS}`,
        tags,
        security,
        response: { 200: verified, ...VERIFY_ERRORS },
      },
    },
    async (request, reply) => {
      const { body } = request;
      if (!isObject(body) || !('url' in body)) throw new ApiError('bad_request', 'no url');
      return reply.send({
        data: { verified: await passes(deps, handshakes, { accountId: accountOf(request), url: body['url'] }) },
      });
    },
  );
}

/** Whether a URL passes a handshake. It is not stored. */
async function passes(
  deps: Pick<ApiDeps, 'db' | 'enqueue' | 'cipher' | 'addresses' | 'log'>,
  handshakes: HandshakeWait,
  { accountId, url }: { accountId: string; url: unknown },
): Promise<boolean> {
  if (typeof url !== 'string') return false;
  const check = checkUrl(url, deps.addresses);
  if (!check.ok) return false;
  return handshakes.whileWaiting(accountId, async () => {
    const started = await checkWebhookUrl(deps, { accountId, url: check.href });
    if (started.outcome !== 'started') return false;
    const id = started.verificationId;
    await handshakes.wait(id);
    return (await deps.db.prisma.verification.count({ where: { id, accountId, status: 'verified' } })) > 0;
  });
}

interface HandshakeWait {
  /** Runs `work`, which waits for a handshake. Throws TooManyWaiting if too many requests of the account are waiting. */
  whileWaiting<T>(accountId: string, work: () => Promise<T>): Promise<T>;
  /** Waits until a verification has ended, or for 20 s. */
  wait(verificationId: string): Promise<void>;
  /** Returns the subscription after its verification, so that `verified` is correct; without one, returns it unchanged. */
  ended(row: Subscription, verificationId: string | null): Promise<Subscription>;
}

function openHandshakeWait(deps: Parameters<typeof openVerificationWait>[0] & Pick<ApiDeps, 'db'>): HandshakeWait {
  const waitForVerification = openVerificationWait(deps);
  const acquireShares = openShares();
  const wait = (id: string) => waitForVerification({ id, timeoutMs: VERIFIED_WITHIN_MS });
  return {
    async whileWaiting(accountId, work) {
      const acquired = acquireShares([{ holder: accountId, max: MAX_WAITING }]);
      if (acquired.outcome === 'full') throw new TooManyWaiting(MAX_WAITING);
      try {
        return await work();
      } finally {
        acquired.release();
      }
    },
    wait,
    async ended(row, verificationId) {
      if (verificationId === null) return row;
      await wait(verificationId);
      return (await findSubscription(deps.db, row)) ?? row;
    },
  };
}

const IdParams = z.object({
  id: z.string().meta({
    description: 'A UUID. An id of /v1 is also accepted.',
    examples: ['01934974-7875-7268-ad97-82ecee7c3c0c'],
  }),
});
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function authenticate(
  identify: (key: string) => Promise<Caller | null>,
  header: string | undefined,
  needed: Scope,
): Promise<Caller> {
  const key = /^(?:Bearer +)?(\S+) *$/i.exec(header ?? '')?.[1];
  const caller = key === undefined ? null : await identify(key);
  if (caller?.kind !== 'account') throw new Unauthenticated('Not authenticated');
  if (!caller.scopes.includes(needed)) throw new Forbidden(`The key lacks the scope ${needed}.`);
  return caller;
}

function accountOf({ caller }: FastifyRequest): string {
  if (caller?.kind !== 'account') throw new Unauthenticated('Not authenticated');
  return caller.accountId;
}

function keyOf(request: FastifyRequest, id: string): { accountId: string; id: string } {
  const uuid = UUID.test(id) ? id.toLowerCase() : toUuid('sub', id);
  if (uuid === null) throw new NotFound('subscription');
  return { accountId: accountOf(request), id: uuid };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Ignores other fields such as `account_id` and `verified`, which Papercups' clients send back. */
function readInput(body: unknown): Record<string, unknown> {
  if (!isObject(body) || !isObject(body['event_subscription']))
    throw new ApiError('bad_request', 'no event_subscription');
  return body['event_subscription'];
}

function requireWebhookUrl({ addresses }: Pick<ApiDeps, 'addresses'>, url: unknown): string {
  if (url === undefined || url === null || (typeof url === 'string' && url.trim() === ''))
    throw refuse('webhook_url', "can't be blank");
  if (typeof url !== 'string') throw refuse('webhook_url', 'is invalid');
  const check = checkUrl(url, addresses);
  if (!check.ok) throw refuse('webhook_url', check.reason);
  return check.href;
}

const MAX_SCOPE_CHARACTERS = 2000;

/** Papercups sends an event if the scope contains its type as a substring, and always sends the two `:created` types. Returns those two
 *  and the types of the catalogue that the scope contains. Without a scope: all types. */
async function translateScope(
  { db }: Pick<ApiDeps, 'db'>,
  scope: unknown,
): Promise<{ scope: string | null; events: string[] }> {
  if (scope === undefined || scope === null || scope === '') return { scope: null, events: [] };
  if (typeof scope !== 'string' || !isStorable(scope)) throw refuse('scope', 'is invalid');
  if (scope.length > MAX_SCOPE_CHARACTERS)
    throw refuse('scope', `should be at most ${MAX_SCOPE_CHARACTERS} character(s)`);
  const types = await db.prisma.eventType.findMany({ select: { name: true }, orderBy: { name: 'asc' } });
  const named = types.map(({ name }) => name).filter((name) => scope.includes(name));
  return { scope, events: [...new Set(['message:created', 'conversation:created', ...named])] };
}

const refuse = (path: string, message: string) => new InvalidRequest([{ path, message }]);
