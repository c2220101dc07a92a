import { createHash, timingSafeEqual } from 'node:crypto';
import type { Scope } from '@posthorn/contract';
import { type Keyring, type LiveSession, openAccountFinder, openKeyring, openSessionBook } from '@posthorn/core';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { ApiDeps } from '../deps.js';
import { Forbidden, NotFound, Unauthenticated } from '../errors.js';
import { readSessionCookie, requireOwnPage } from './session-cookie.js';

/** Who calls: the app that publishes, with every account; one account; or somebody in a portal of one account. The first two
 *  with a key, or (`session`) signed in with one. */
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

/** The account whose things the caller may know of; null: of every account's. Throws where nobody was let in. */
export function accountOf(caller: Caller | null): string | null {
  if (caller === null) throw new Unauthenticated('Send a key: authorization: Bearer <key>.');
  return caller.kind === 'operator' ? null : caller.accountId;
}

interface CallerSession {
  id: string;
  expiresAt: Date;
}

/** The id of the session or of the key that a caller was let in with; null: the operator key itself, which does not end. */
export function accessIdOf(caller: Caller): string | null {
  if (caller.session) return caller.session.id;
  return caller.kind === 'account' ? caller.keyId : null;
}

/** `public`: also without a key. Several scopes: all of them. */
type Allowed = Scope | readonly Scope[] | 'anyone' | 'operator' | 'public';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** Who may: an account key or a portal with this scope (and the operator) · `anyone` with a key · only the `operator` ·
     *  `public`, everybody. */
    allow?: Allowed;
    /** The route itself says whether there is such an account. Default: an operator's request for an account that does not
     *  exist, or that is deleted, ends in a 404 before the route's handler. (Keys and portals of such an account are not known.) */
    findsAccount?: boolean;
  }
}

/** What anybody may make us read and parse: a key or a token fits many times. */
const PUBLIC_BODY_BYTES = 4 * 1024;

/** Lets requests pass that their route's `config.allow` allows. A route of /v1 without it does not start. */
export const apiKey = fp<Pick<ApiDeps, 'db' | 'operatorKey' | 'operationsAccount' | 'publicUrl'>>((app, deps, done) => {
  const identify = openIdentify(deps);
  const sessions = openSessionBook(deps);
  const accounts = openAccountFinder(deps);
  app.decorateRequest('caller', null);
  app.addHook('onRoute', (route) => {
    const { url, config } = route;
    if (url.startsWith('/v1') && config?.allow === undefined) throw new Error(`${url} does not say whom it allows`);
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
      if (caller === null) throw new Unauthenticated('This key is not known, or it was revoked.');
      return caller;
    }
    const token = readSessionCookie(request, deps);
    if (token === null) throw new Unauthenticated('Send a key: authorization: Bearer <key>.');
    const caller = toCaller(await sessions.findConsole(token));
    if (caller === null) throw new Unauthenticated('The session has ended: sign in again.');
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

/** The operators' own account belongs to the operator key alone. A key or a portal of it is one of a tenant who had the id
 *  before it was reserved. Throws Forbidden. */
function requireTenant(caller: Caller, { operationsAccount }: Pick<ApiDeps, 'operationsAccount'>): void {
  if (caller.kind === 'operator' || caller.accountId !== operationsAccount) return;
  throw new Forbidden(
    `The account ${operationsAccount} is the operators’ own (OPERATIONS_ACCOUNT): this needs the operator key.`,
  );
}

/** Finds out whose key it is; null: nobody's. Throws Forbidden for a key of the operators' own account. */
export function openIdentify({
  db,
  operatorKey,
  operationsAccount,
}: Pick<ApiDeps, 'db' | 'operatorKey' | 'operationsAccount'>): (key: string) => Promise<Caller | null> {
  const keyring: Keyring = openKeyring({ db });
  const operatorHash = hash(operatorKey);
  return async (key) => {
    // Hashes are of one length, and their comparison takes the same time wherever they differ.
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
  // First of all: of another account nothing is told, not even that a scope is missing.
  const account = accountIn(params);
  if (account !== null && account !== caller.accountId) throw new NotFound('account');
  if (allow === 'anyone' || allow === 'public') return;
  if (allow === 'operator') throw new Forbidden('This needs the operator key.');
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
