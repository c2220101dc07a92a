import { CreateSession, ListQuery, SCOPES, Session, type SessionItem, SessionList, toTypeId } from '@posthorn/contract';
import { countWrongKey, endAllSessions, endSession, openSession, type Session as Row } from '@posthorn/core';
import { z } from 'zod';
import { addressOf, callerOf } from '../client-address.js';
import { beforeId, toPage } from '../cursor.js';
import type { Routes } from '../deps.js';
import { NotFound, NotPossible, TooManyLogins, Unauthenticated } from '../errors.js';
import { type Caller, openIdentify } from '../plugins/api-key.js';
import { requireSameOrigin, sessionCookie } from '../plugins/session-cookie.js';
import { SessionParams, uuidOf } from './params.js';

const tags = ['Sessions'];
export const WRONG_KEYS_PER_MINUTE = 10;

type Needed = 'db' | 'operatorKey' | 'operationsAccount' | 'publicUrl' | 'sessionSeconds' | 'sessionIdleSeconds';

export const sessionRoutes: Routes<Needed> = (app, deps) => {
  signInRoute(app, deps);
  ownSessionRoutes(app, deps);
  allSessionsRoutes(app, deps);
};

const signInRoute: Routes<Needed> = (app, deps) => {
  const { db, sessionSeconds, sessionIdleSeconds } = deps;
  const identify = openIdentify(deps);

  app.post(
    '/v1/session',
    {
      config: {
        audit: { target: 'session', refusedAs: 'session.refused' },
        allow: 'public',
        problems: ['rate_limited'],
      },
      schema: {
        operationId: 'session.create',
        summary: 'Sign in with a key',
        description:
          'For browsers. The response sets a session cookie: `__Host-posthorn` over https (`__Secure-posthorn` if `PUBLIC_URL` has a ' +
          'path), `posthorn` over http. With the cookie, requests other than GET need the header `x-posthorn-csrf: 1` (any ' +
          'value) and must come from a page of this origin. After ten wrong keys from one address within a minute, each ' +
          'further wrong key is a 429. A correct key is always accepted.',
        tags,
        body: CreateSession,
        response: { 201: Session },
      },
    },
    async (request, reply) => {
      requireSameOrigin(request, deps);
      // A correct key is always accepted; otherwise anyone could lock out the operators. The limit only protects the logs:
      // keys are too long to guess.
      const found = await identify(request.body.key);
      const opened =
        found === null || found.kind === 'portal'
          ? null
          : await openSession(
              { db },
              {
                of: found,
                operatorKey: deps.operatorKey,
                lastsSeconds: sessionSeconds,
                idleSeconds: sessionIdleSeconds,
                address: addressOf(request),
              },
            );
      if (found === null || opened === null) {
        const waitSeconds = await countWrongKey({ db }, callerOf(request), WRONG_KEYS_PER_MINUTE);
        if (waitSeconds > 0) throw new TooManyLogins(waitSeconds);
        request.log.warn({ logType: 'audit', address: addressOf(request) }, 'session.refused');
        throw new Unauthenticated('This key is unknown, or it was revoked.');
      }
      request.caller = { ...found, session: { id: opened.id, expiresAt: opened.expiresAt } };
      return reply
        .code(201)
        .header('set-cookie', sessionCookie(request, deps, opened.token, sessionSeconds))
        .send(sessionJson(request.caller));
    },
  );
};

/** The session of the request. */
const ownSessionRoutes: Routes<'db' | 'publicUrl'> = (app, deps) => {
  app.get(
    '/v1/session',
    {
      config: { allow: 'anyone' },
      schema: {
        operationId: 'session.get',
        summary: 'Get the current session',
        description: 'Works with a session and with a key.',
        tags,
        response: { 200: Session },
      },
    },
    ({ caller }) => {
      if (caller === null) throw new Unauthenticated('Send a key in the header Authorization: Bearer <key>.');
      return sessionJson(caller);
    },
  );

  app.delete(
    '/v1/session',
    {
      config: { audit: { target: 'session' }, allow: 'anyone', problems: ['forbidden'] },
      schema: {
        operationId: 'session.end',
        summary: 'Sign out',
        description: 'Ends the session of this request, including that of a portal. With a key it is a 422.',
        tags,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const session = request.caller?.session ?? null;
      if (session === null) throw new NotPossible('the request uses a key, not a session');
      await endSession(deps, session);
      return reply
        .code(204)
        .header('set-cookie', sessionCookie(request, deps, '', 0))
        .send();
    },
  );
};

/** The sessions of everybody, for operators. */
const allSessionsRoutes: Routes<'db'> = (app, { db }) => {
  app.get(
    '/v1/sessions',
    {
      config: { allow: 'operator' },
      schema: {
        operationId: 'sessions.list',
        summary: 'List sessions',
        description:
          'Lists sessions of every kind and account, with portal and sign-in links that were not opened yet. A session that ended because it was idle is ' +
          'listed until `expiresAt`.',
        tags,
        querystring: ListQuery,
        response: { 200: SessionList },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const rows = await db.prisma.session.findMany({
        where: { expiresAt: { gt: new Date() }, ...beforeId('sessions', cursor) },
        orderBy: { id: 'desc' },
        take: limit + 1,
      });
      return toPage(rows, { limit, list: 'sessions', keyOf: ({ id }) => [id], itemOf: itemJson });
    },
  );

  app.delete(
    '/v1/sessions',
    {
      config: { audit: { target: 'session' }, allow: 'operator' },
      schema: {
        operationId: 'sessions.endAll',
        summary: 'End all sessions',
        description:
          'Ends sessions of every kind and account, including portals and the session of this request. Keys remain valid.',
        tags,
        response: { 204: z.undefined() },
      },
    },
    async (_request, reply) => {
      await endAllSessions({ db });
      return reply.code(204).send();
    },
  );

  app.delete(
    '/v1/sessions/:session',
    {
      config: { audit: { target: 'session' }, allow: 'operator' },
      schema: {
        operationId: 'sessions.end',
        summary: 'End a session',
        description: 'Takes effect immediately: the next request with it is a 401.',
        tags,
        params: SessionParams,
        response: { 204: z.undefined() },
      },
    },
    async ({ params }, reply) => {
      if (!(await endSession({ db }, { id: uuidOf('ses', params.session) }))) throw new NotFound('session');
      return reply.code(204).send();
    },
  );
};

export const sessionJson = (caller: Caller): Session => ({
  id: caller.session === null ? null : toTypeId('ses', caller.session.id),
  kind: caller.kind,
  accountId: caller.kind === 'operator' ? null : caller.accountId,
  keyId: caller.kind === 'account' ? toTypeId('key', caller.keyId) : null,
  scopes: caller.kind === 'operator' ? [...SCOPES] : [...caller.scopes],
  expiresAt: caller.session?.expiresAt.toISOString() ?? null,
});

const itemJson = (row: Row): SessionItem => ({
  id: toTypeId('ses', row.id),
  kind: row.kind,
  accountId: row.accountId,
  keyId: row.keyId === null ? null : toTypeId('key', row.keyId),
  address: row.address,
  createdAt: row.createdAt.toISOString(),
  lastUsedAt: row.lastUsedAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
});
