import { createHash, timingSafeEqual } from 'node:crypto';
import type { Scope } from '@posthorn/contract';
import { type Keyring, type LiveSession, openAccountFinder, openKeyring, openSessionBook } from '@posthorn/core';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { ApiDeps } from '../deps.js';
import { Forbidden, NotFound, Unauthenticated } from '../errors.js';
import { readSessionCookie, requireOwnPage } from './session-cookie.js';

/** The caller of a request. An operator can access every account; an account key and a portal can access one. `session` is set if the
 *  caller signed in instead of sending a key. */
export type Caller =
  | { kind: 'operator'; session: CallerSession | null }
  | {
      kind: 'account';
      accountId: string;
      keyId: string;
      scopes: readonly string[];
      session: CallerSession | null;
    }
  | { kind: 'portal'; accountId: string; scopes: readonly string[]; session: CallerSession };

/** Returns the account that the caller can access; null for every account. Throws Unauthenticated without a caller. */
export function accountOf(caller: Caller | null): string | null {
  const of = callerOf(caller);
  return of.kind === 'operator' ? null : of.accountId;
}

/** Throws Unauthenticated without a caller. */
export function callerOf(caller: Caller | null): Caller {
  if (caller === null) throw new Unauthenticated('Send a key in the header Authorization: Bearer <key>.');
  return caller;
}

interface CallerSession {
  id: string;
  expiresAt: Date;
}

/** Returns the id of the session or key of the caller; null for the operator key, which does not end. */
export function accessIdOf(caller: Caller): string | null {
  if (caller.session) return caller.session.id;
  return caller.kind === 'account' ? caller.keyId : null;
}

/** `public`: no key required. Several scopes: all are required. */
type Allowed = Scope | readonly Scope[] | 'anyone' | 'operator' | 'public';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** Who may call the route: the operator, and an account key or portal with this scope · `anyone` with a key · only the
     *  `operator` · `public`: everyone. */
    allow?: Allowed;
    /** The route checks itself whether the account exists. Default: an operator's request for an unknown or deleted account is a 404
     *  before the handler runs. Keys and portals of such an account are not valid. */
    findsAccount?: boolean;
  }
}

/** Body limit of public routes. A key or a token is much shorter. */
const PUBLIC_BODY_BYTES = 4 * 1024;

/** Authenticates and authorizes requests by the route's `config.allow`. A /v1 route without it throws at startup. */
export const apiKey = fp<Pick<ApiDeps, 'db' | 'operatorKey' | 'operationsAccount' | 'publicUrl'>>((app, deps, done) => {
  const identify = openIdentify(deps);
  const sessions = openSessionBook(deps);
  const accounts = openAccountFinder(deps);
  app.decorateRequest('caller', null);
  app.addHook('onRoute', (route) => {
    const { url, config } = route;
    if (url.startsWith('/v1') && config?.allow === undefined) throw new Error(`${url} has no config.allow`);
    if (config?.allow === 'public') route.bodyLimit ??= PUBLIC_BODY_BYTES;
  });
  app.addHook('onRequest', async (request) => {
    const { allow } = request.routeOptions.config;
    if (allow === undefined || allow === 'public') return;
    request.caller = await authenticate(request);
    requireTenant(request.caller, deps);
    authorize(request.caller, allow, request);
  });
  app.addHook('preHandler', async ({ caller, params, routeOptions: { config } }) => {
    const account = accountIn(params);
    if (account === null || caller?.kind !== 'operator' || config.findsAccount) return;
    if (!(await accounts.exists(account))) throw new NotFound('account');
  });
  done();

  async function authenticate(request: FastifyRequest): Promise<Caller> {
    const key = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (key !== undefined) {
      const caller = key.startsWith('php_') ? toCaller(await sessions.findPortal(key)) : await identify(key);
      if (caller === null) throw new Unauthenticated('This key is unknown, or it was revoked.');
      return caller;
    }
    const token = readSessionCookie(request, deps);
    if (token === null) throw new Unauthenticated('Send a key in the header Authorization: Bearer <key>.');
    const caller = toCaller(await sessions.findConsole(token));
    if (caller === null) throw new Unauthenticated('The session has ended. Sign in again.');
    requireOwnPage(request, deps);
    return caller;
  }
});

function toCaller(found: LiveSession | null): Caller | null {
  if (found === null) return null;
  const { kind, accountId, keyId, id, expiresAt } = found;
  const session = { id, expiresAt };
  const scopes = found.scopes ?? [];
  if (kind === 'operator') return { kind, session };
  if (accountId === null) return null;
  if (kind === 'portal') return { kind, accountId, scopes, session };
  return keyId === null ? null : { kind, accountId, keyId, scopes, session };
}

/** Only the operator key can access the operators' account. A key or portal of it belongs to a tenant that had the id before it was
 *  reserved. Throws Forbidden. */
function requireTenant(caller: Caller, { operationsAccount }: Pick<ApiDeps, 'operationsAccount'>): void {
  if (caller.kind === 'operator' || caller.accountId !== operationsAccount) return;
  throw new Forbidden(
    `The account ${operationsAccount} belongs to the operators (OPERATIONS_ACCOUNT). Use the operator key.`,
  );
}

/** Returns the caller of a key; null for an unknown key. Throws Forbidden for a key of the operators' account. */
export function openIdentify({
  db,
  operatorKey,
  operationsAccount,
}: Pick<ApiDeps, 'db' | 'operatorKey' | 'operationsAccount'>): (key: string) => Promise<Caller | null> {
  const keyring: Keyring = openKeyring({ db });
  const operatorHash = hash(operatorKey);
  return async (key) => {
    // Hashes have equal lengths, so the comparison takes constant time.
    if (timingSafeEqual(hash(key), operatorHash)) return { kind: 'operator', session: null };
    const found = await keyring.find(key);
    if (!found) return null;
    const { id: keyId, accountId, scopes } = found;
    const caller: Caller = { kind: 'account', accountId, keyId, scopes, session: null };
    requireTenant(caller, { operationsAccount });
    return caller;
  };
}

const hash = (key: string): Buffer => createHash('sha256').update(key).digest();

function authorize(caller: Caller, allow: Allowed, { params }: FastifyRequest): void {
  if (caller.kind === 'operator') return;
  // Checked first, so that a caller learns nothing about another account.
  const account = accountIn(params);
  if (account !== null && account !== caller.accountId) throw new NotFound('account');
  if (allow === 'anyone' || allow === 'public') return;
  if (allow === 'operator') throw new Forbidden('This requires the operator key.');
  const missing = [allow].flat().find((scope) => !caller.scopes.includes(scope));
  if (missing === undefined) return;
  throw new Forbidden(
    `The ${caller.kind === 'portal' ? 'portal lacks the capability' : 'key lacks the scope'} ${missing}.`,
  );
}

function accountIn(params: unknown): string | null {
  const isNamed = typeof params === 'object' && params !== null && 'account' in params;
  return isNamed && typeof params.account === 'string' ? params.account : null;
}
