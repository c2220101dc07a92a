import { toTypeId, toUuid } from '@posthorn/contract';
import { beginAudit, findSubscription, type Subscription, withdrawAudit, writeAudit } from '@posthorn/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { addressOf } from '../client-address.js';
import type { ApiDeps } from '../deps.js';
import { withoutQuery } from '../url-without-query.js';
import type { Caller } from './api-key.js';

interface Audited {
  /** The kind of the changed object. */
  target: 'account' | 'subscription' | 'eventType' | 'key' | 'session' | 'delivery' | 'replay' | 'emailRecipient';
  /** Fields of the body that are recorded unchanged: none that can contain a secret or a URL. */
  notes?: readonly string[];
  /** Only a response with this status is recorded. */
  status?: number;
  /** A 401 of this route is recorded as this action. */
  refusedAs?: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The object before the change. */
    auditBefore: Snapshot | null;
    /** The subscription as this request left it, if a verification that it started may change it further. null: read before the
     *  response is sent. */
    auditAfter: Subscription | null;
    /** Recorded in addition to the changed fields. */
    auditNotes: Record<string, unknown> | null;
    /** The id of the entry that was begun for this request. */
    auditBegun: string | null;
  }
  interface FastifyContextConfig {
    /** How the audit log records this route. Required for every route that is not a GET. false: not recorded. */
    audit?: Audited | false;
  }
}

/** The fields of an object. Values in `hidden` are compared, but not recorded. */
interface Snapshot {
  shown: Record<string, unknown>;
  hidden: Record<string, unknown>;
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Records each change, even if a process dies. The entry is begun before the change and completed before the response is sent.
 *
 *  - If the entry cannot be begun, the change is not made.
 *  - If it cannot be completed, the response is an error, and the entry stays begun.
 *  - A rejected request leaves no entry.
 *  - A login and the opening of a portal begin no entry: their result is useless before the response.
 *
 *  A route that may change something and has no `config.audit` throws at startup. */
export const audit = fp<Pick<ApiDeps, 'db'>>((app, deps, done) => {
  app.decorateRequest('auditBefore', null);
  app.decorateRequest('auditAfter', null);
  app.decorateRequest('auditBegun', null);
  app.decorateRequest('auditNotes', null);
  app.addHook('onRoute', ({ url, method, config }) => {
    const isRead = [method].flat().every((one) => READS.has(one));
    if (!isRead && /^\/(v1|api)\//.test(url) && config?.audit === undefined) {
      throw new Error(`${url} has no config.audit`);
    }
  });
  app.addHook('preHandler', async (request) => {
    const { audit: audited } = request.routeOptions.config;
    if (!audited || READS.has(request.method)) return;
    const id = namedIn(request.params, audited.target);
    if (id !== null) request.auditBefore = await takeSnapshot(deps, request, audited, id);
    if (request.caller === null) return;
    request.auditBegun = await beginAudit(deps, {
      ...commonOf(request, audited),
      action: operationOf(request),
      targetId: id,
      changes: notesOf(request.body, audited.notes),
    });
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const { audit: audited } = request.routeOptions.config;
    const action = audited ? actionOf(audited, request, reply) : null;
    if (audited && action !== null) await record(request, audited, action, payload);
    // After a 5xx, the change may or may not have been made, so the entry stays.
    else if (request.auditBegun !== null && reply.statusCode < 500) await withdrawAudit(deps, request.auditBegun);
    return payload;
  });
  done();

  async function record(request: FastifyRequest, audited: Audited, action: string, payload: unknown): Promise<void> {
    const isDone = action !== audited.refusedAs;
    const id = isDone ? (namedIn(request.params, audited.target) ?? idIn(payload)) : null;
    const isRead = READS.has(request.method);
    const after = id === null || isRead ? null : await snapshotAfter(request, audited, id);
    await writeAudit(deps, request.auditBegun, {
      ...commonOf(request, audited),
      action,
      targetId: id,
      changes: {
        ...notesOf(request.body, isDone ? audited.notes : []),
        ...differences(request.auditBefore, after),
        ...request.auditNotes,
      },
    });
  }

  async function snapshotAfter(request: FastifyRequest, audited: Audited, id: string): Promise<Snapshot | null> {
    return request.auditAfter ? subscriptionSnapshot(request.auditAfter) : takeSnapshot(deps, request, audited, id);
  }
});

/** The fields of an entry that are known before the change. */
function commonOf(request: FastifyRequest, { target }: Audited) {
  const { caller, params } = request;
  return {
    ...actorOf(caller),
    accountId: textIn(params, 'account') ?? (caller === null || caller.kind === 'operator' ? null : caller.accountId),
    targetType: target,
    requestId: request.id,
    address: addressOf(request),
  };
}

const operationOf = ({ routeOptions: { schema, url } }: FastifyRequest): string => schema?.operationId ?? url ?? '';

function actionOf(audited: Audited, request: FastifyRequest, { statusCode }: FastifyReply): string | null {
  if (statusCode === 401) return audited.refusedAs ?? null;
  if (statusCode >= 400 || (audited.status !== undefined && audited.status !== statusCode)) return null;
  return operationOf(request);
}

function actorOf(caller: Caller | null) {
  const session = caller?.session ? toTypeId('ses', caller.session.id) : null;
  const keyId = caller?.kind === 'account' ? caller.keyId : null;
  return {
    actor: caller?.kind ?? ('nobody' as const),
    actorId: keyId === null ? session : toTypeId('key', keyId),
    keyId,
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function textIn(value: unknown, name: string): string | null {
  const found = isObject(value) ? value[name] : null;
  return typeof found === 'string' ? found : null;
}

const PARAMS: Record<Audited['target'], string> = {
  account: 'account',
  subscription: 'subscription',
  eventType: 'name',
  key: 'key',
  session: 'session',
  delivery: 'delivery',
  replay: 'replay',
  emailRecipient: 'recipient',
};

/** Returns the id in the path. Papercups' ids are UUIDs. An id with a NUL, which Postgres cannot store, counts as absent. */
function namedIn(params: unknown, target: Audited['target']): string | null {
  const id = textIn(params, PARAMS[target]) ?? asSubscription(textIn(params, 'id'));
  return id?.includes('\0') ? null : id;
}

/** Returns the id in the response: that of a created object. */
function idIn(payload: unknown): string | null {
  const body: unknown = typeof payload === 'string' && payload.startsWith('{') ? JSON.parse(payload) : null;
  return textIn(body, 'id') ?? (isObject(body) ? asSubscription(textIn(body['data'], 'id')) : null);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const asSubscription = (id: string | null): string | null =>
  id !== null && UUID.test(id) ? toTypeId('sub', id.toLowerCase()) : id;

/** Returns the current fields of an object; null if it does not exist, or if its changes have no fields to compare. */
async function takeSnapshot(
  { db }: Pick<ApiDeps, 'db'>,
  { params, caller }: FastifyRequest,
  { target }: Audited,
  id: string,
): Promise<Snapshot | null> {
  switch (target) {
    case 'account': {
      const row = await db.prisma.account.findFirst({ where: { id, deletedAt: null } });
      return row && { shown: { name: row.name }, hidden: { metadata: row.metadata } };
    }
    case 'eventType': {
      const row = await db.prisma.eventType.findUnique({ where: { name: id } });
      if (!row) return null;
      const { description, deprecated, example, schema, enforcement } = row;
      return { shown: { description, deprecated, enforcement }, hidden: { example, schema } };
    }
    case 'subscription': {
      const uuid = toUuid('sub', id);
      const accountId = textIn(params, 'account') ?? (caller?.kind === 'account' ? caller.accountId : null);
      const row = uuid === null || accountId === null ? null : await findSubscription(db, { accountId, id: uuid });
      return row && subscriptionSnapshot(row);
    }
    default:
      return null;
  }
}

function subscriptionSnapshot(row: Subscription): Snapshot {
  const { url, pendingUrl, events, description, status, statusReason, rateLimit, ordering, metadata } = row;
  const { retrySchedule, timeoutMs, filter } = row;
  const urls = { url: withoutQuery(url), pendingUrl: pendingUrl && withoutQuery(pendingUrl) };
  return {
    shown: {
      ...urls,
      events,
      description,
      status,
      statusReason,
      rateLimit,
      ordering: ordering === 'strict' ? ordering : null,
      retrySchedule,
      timeoutMs,
      filter,
    },
    hidden: {
      metadata,
      query: [queryOf(url), queryOf(pendingUrl)],
      headers: [hex(row.headersSealed), hex(row.pendingHeadersSealed)],
      authentication: [hex(row.authenticationSealed), hex(row.pendingAuthenticationSealed)],
      certificateAuthorities: row.certificateAuthorities,
    },
  };
}

const hex = (sealed: Uint8Array | null): string => Buffer.from(sealed ?? []).toString('hex');

/** Returns what withoutQuery removes. */
const queryOf = (url: string | null): string => (url === null ? '' : url.slice(withoutQuery(url).length));

const notesOf = (body: unknown, names: readonly string[] = []): Record<string, unknown> =>
  Object.fromEntries(
    names.flatMap((name) => (isObject(body) && body[name] !== undefined ? [[name, { to: short(body[name]) }]] : [])),
  );

function differences(before: Snapshot | null, after: Snapshot | null): Record<string, unknown> {
  const fields = new Set(Object.keys({ ...before?.shown, ...after?.shown }));
  const shown = [...fields].flatMap((field) => {
    const [from, to] = [before?.shown[field] ?? null, after?.shown[field] ?? null];
    return isSame(from, to) ? [] : [[field, { from: short(from), to: short(to) }] as const];
  });
  const hidden = Object.keys(after?.hidden ?? {}).filter(
    (field) => before !== null && !isSame(before.hidden[field], after?.hidden[field]),
  );
  return { ...Object.fromEntries(shown), ...Object.fromEntries(hidden.map((field) => [field, { changed: true }])) };
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const MAX_CHARACTERS = 500;
const short = (value: unknown): unknown =>
  typeof value === 'string' && value.length > MAX_CHARACTERS
    ? `${Array.from(value).slice(0, MAX_CHARACTERS).join('')}…`
    : value;
