import { createHash, timingSafeEqual } from 'node:crypto';
import type { Scope } from '@posthorn/contract';
import { type Keyring, openKeyring } from '@posthorn/core';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { ApiDeps } from '../deps.js';
import { Forbidden, NotFound, Unauthenticated } from '../errors.js';

/** Who calls: the app that publishes, with every account; or one account. */
export type Caller =
  | { kind: 'operator' }
  | { kind: 'account'; accountId: string; keyId: string; scopes: readonly string[] };

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** Who may: an account key with this scope (and the operator) · `anyone` with a key · only the `operator`. */
    allow?: Scope | 'anyone' | 'operator';
  }
}

/** Lets requests pass that their route's `config.allow` allows. A route of /v1 without it does not start. */
export const apiKey = fp<Pick<ApiDeps, 'db' | 'operatorKey'>>((app, deps, done) => {
  const identify = openIdentify(deps);
  app.decorateRequest('caller', null);
  app.addHook('onRoute', ({ url, config }) => {
    if (url.startsWith('/v1') && config?.allow === undefined) throw new Error(`${url} does not say whom it allows`);
  });
  app.addHook('onRequest', async (request) => {
    const { allow } = request.routeOptions.config;
    if (allow === undefined) return;
    const key = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (key === undefined) throw new Unauthenticated('Send a key: authorization: Bearer <key>.');
    const caller = await identify(key);
    if (caller === null) throw new Unauthenticated('This key is not known, or it was revoked.');
    request.caller = caller;
    authorize(caller, allow, request);
  });
  done();
});

/** Finds out whose key it is; null: nobody's. */
export function openIdentify({
  db,
  operatorKey,
}: Pick<ApiDeps, 'db' | 'operatorKey'>): (key: string) => Promise<Caller | null> {
  const keyring: Keyring = openKeyring({ db });
  const operatorHash = hash(operatorKey);
  return async (key) => {
    // Hashes are of one length, and their comparison takes the same time wherever they differ.
    if (timingSafeEqual(hash(key), operatorHash)) return { kind: 'operator' };
    const found = await keyring.find(key);
    return found && { kind: 'account', accountId: found.accountId, keyId: found.id, scopes: found.scopes };
  };
}

const hash = (key: string): Buffer => createHash('sha256').update(key).digest();

function authorize(caller: Caller, allow: Scope | 'anyone' | 'operator', { params }: FastifyRequest): void {
  if (caller.kind === 'operator') return;
  // First of all: of another account nothing is told, not even that a scope is missing.
  const account = accountIn(params);
  if (account !== null && account !== caller.accountId) throw new NotFound('account');
  if (allow === 'anyone') return;
  if (allow === 'operator') throw new Forbidden('This needs the operator key.');
  if (!caller.scopes.includes(allow)) throw new Forbidden(`The key lacks the scope ${allow}.`);
}

function accountIn(params: unknown): string | null {
  const isNamed = typeof params === 'object' && params !== null && 'account' in params;
  return isNamed && typeof params.account === 'string' ? params.account : null;
}
