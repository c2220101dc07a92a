import { toTypeId, toUuid } from '@posthorn/contract';
import { beginAudit, findSubscription, type Subscription, withdrawAudit, writeAudit } from '@posthorn/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { addressOf } from '../client-address.js';
import type { ApiDeps } from '../deps.js';
import type { Caller } from './api-key.js';

interface Audited {
  /** What kind of thing it is done to. */
  target: 'account' | 'subscription' | 'eventType' | 'key' | 'session' | 'delivery' | 'replay' | 'emailRecipient';
  /** Fields of the body that are noted as they are: none that could hold a secret or a URL. */
  notes?: readonly string[];
  /** Only this status is a change. */
  status?: number;
  /** A 401 of this route is noted, too, as this action. */
  refusedAs?: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** How what is about to be changed looked before. */
    auditBefore: Looks | null;
    /** The subscription as this request left it, where a verification that it started goes on to change it. Untold: as it is found
     *  when this is answered. */
    auditAfter: Subscription | null;
    /** What the log says beside the fields that differ. */
    auditNotes: Record<string, unknown> | null;
    /** The entry that was begun for this request. */
    auditBegun: string | null;
  }
  interface FastifyContextConfig {
    /** How this route's successes are noted in the audit log. Each route that is no GET says so; false: not at all. */
    audit?: Audited | false;
  }
}

/** What may be told of a thing. A value under `hidden` is only compared. */
interface Looks {
  told: Record<string, unknown>;
  hidden: Record<string, unknown>;
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Notes each change, so that none is lost whatever dies: its entry is begun before the change is made, and done before the answer is
 *  sent. What cannot be noted is not done; what was done and could not be completed in the log is answered as an error,
 *  and its entry stays begun. What was refused leaves no entry. Whoever is nobody yet (a login, the opening of a portal)
 *  begins none: what is made for him is of no use to anybody before it is answered.
 *  A route that may change something and does not say how it is noted does not start. */
export const audit = fp<Pick<ApiDeps, 'db'>>((app, deps, done) => {
  app.decorateRequest('auditBefore', null);
  app.decorateRequest('auditAfter', null);
  app.decorateRequest('auditBegun', null);
  app.decorateRequest('auditNotes', null);
  app.addHook('onRoute', ({ url, method, config }) => {
    const isRead = [method].flat().every((one) => READS.has(one));
    if (!isRead && /^\/(v1|api)\//.test(url) && config?.audit === undefined) {
      throw new Error(`${url} does not say how it is noted in the audit log`);
    }
  });
  app.addHook('preHandler', async (request) => {
    const { audit: audited } = request.routeOptions.config;
    if (!audited || READS.has(request.method)) return;
    const id = namedIn(request.params, audited.target);
    if (id !== null) request.auditBefore = await look(deps, request, audited, id);
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
    if (audited && action !== null) await note(request, audited, action, payload);
    // Of an error of ours nobody knows whether the change was made.
    else if (request.auditBegun !== null && reply.statusCode < 500) await withdrawAudit(deps, request.auditBegun);
    return payload;
  });
  done();

  async function note(request: FastifyRequest, audited: Audited, action: string, payload: unknown): Promise<void> {
    const isDone = action !== audited.refusedAs;
    const id = isDone ? (namedIn(request.params, audited.target) ?? idIn(payload)) : null;
    const isRead = READS.has(request.method);
    const after = id === null || isRead ? null : await lookAfter(request, audited, id);
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

  async function lookAfter(request: FastifyRequest, audited: Audited, id: string): Promise<Looks | null> {
    return request.auditAfter ? subscriptionLooks(request.auditAfter) : look(deps, request, audited, id);
  }
});

/** What of an entry is known from the beginning. */
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

/** The id in the path; Papercups' are UUIDs. One with a NUL, which no text in Postgres can have, names nothing. */
function namedIn(params: unknown, target: Audited['target']): string | null {
  const id = textIn(params, PARAMS[target]) ?? asSubscription(textIn(params, 'id'));
  return id?.includes('\0') ? null : id;
}

/** The id that the answer tells: of what was made. */
function idIn(payload: unknown): string | null {
  const answer: unknown = typeof payload === 'string' && payload.startsWith('{') ? JSON.parse(payload) : null;
  return textIn(answer, 'id') ?? (isObject(answer) ? asSubscription(textIn(answer['data'], 'id')) : null);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const asSubscription = (id: string | null): string | null =>
  id !== null && UUID.test(id) ? toTypeId('sub', id.toLowerCase()) : id;

/** How a thing looks now; null: there is none, or what is done to it changes no field of it. */
async function look(
  { db }: Pick<ApiDeps, 'db'>,
  { params, caller }: FastifyRequest,
  { target }: Audited,
  id: string,
): Promise<Looks | null> {
  switch (target) {
    case 'account': {
      const row = await db.prisma.account.findFirst({ where: { id, deletedAt: null } });
      return row && { told: { name: row.name }, hidden: { metadata: row.metadata } };
    }
    case 'eventType': {
      const row = await db.prisma.eventType.findUnique({ where: { name: id } });
      if (!row) return null;
      const { description, deprecated, example, schema } = row;
      return { told: { description, deprecated }, hidden: { example, schema } };
    }
    case 'subscription': {
      const uuid = toUuid('sub', id);
      const accountId = textIn(params, 'account') ?? (caller?.kind === 'account' ? caller.accountId : null);
      const row = uuid === null || accountId === null ? null : await findSubscription(db, { accountId, id: uuid });
      return row && subscriptionLooks(row);
    }
    default:
      return null;
  }
}

function subscriptionLooks(row: Subscription): Looks {
  const { url, pendingUrl, events, description, status, statusReason, rateLimit, ordering, metadata } = row;
  const urls = { url: withoutQuery(url), pendingUrl: pendingUrl && withoutQuery(pendingUrl) };
  return {
    told: {
      ...urls,
      events,
      description,
      status,
      statusReason,
      rateLimit,
      ordering: ordering === 'strict' ? ordering : null,
    },
    hidden: {
      metadata,
      query: [queryOf(url), queryOf(pendingUrl)],
      headers: [hex(row.headersSealed), hex(row.pendingHeadersSealed)],
    },
  };
}

const hex = (sealed: Uint8Array | null): string => Buffer.from(sealed ?? []).toString('hex');

function withoutQuery(url: string): string {
  if (!URL.canParse(url)) return '';
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** What withoutQuery leaves out. */
const queryOf = (url: string | null): string => (url === null ? '' : url.slice(withoutQuery(url).length));

const notesOf = (body: unknown, names: readonly string[] = []): Record<string, unknown> =>
  Object.fromEntries(
    names.flatMap((name) => (isObject(body) && body[name] !== undefined ? [[name, { to: short(body[name]) }]] : [])),
  );

function differences(before: Looks | null, after: Looks | null): Record<string, unknown> {
  const fields = new Set(Object.keys({ ...before?.told, ...after?.told }));
  const told = [...fields].flatMap((field) => {
    const [from, to] = [before?.told[field] ?? null, after?.told[field] ?? null];
    return isSame(from, to) ? [] : [[field, { from: short(from), to: short(to) }] as const];
  });
  const hidden = Object.keys(after?.hidden ?? {}).filter(
    (field) => before !== null && !isSame(before.hidden[field], after?.hidden[field]),
  );
  return { ...Object.fromEntries(told), ...Object.fromEntries(hidden.map((field) => [field, { changed: true }])) };
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const MAX_TOLD = 500;
const short = (value: unknown): unknown =>
  typeof value === 'string' && value.length > MAX_TOLD ? `${Array.from(value).slice(0, MAX_TOLD).join('')}…` : value;
