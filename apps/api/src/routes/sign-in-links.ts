import { BoardLink, OpenSignInLink, Session, SignInLink, toTypeId } from '@posthorn/contract';
import { countWrongKey, createSignInLink, openSignInLink } from '@posthorn/core';
import { signBoardTicket } from '@posthorn/lifecycle';
import { baseUrlOf } from '../base-url.js';
import { addressOf, callerOf } from '../client-address.js';
import type { Routes } from '../deps.js';
import { NotPossible, TooManyLogins, Unauthenticated } from '../errors.js';
import { requireSameOrigin, sessionCookie } from '../plugins/session-cookie.js';
import { sessionJson, WRONG_KEYS_PER_MINUTE } from './sessions.js';

const tags = ['Sessions'];

export const signInLinkRoutes: Routes<
  'db' | 'operatorKey' | 'publicUrl' | 'boardUrl' | 'sessionSeconds' | 'sessionIdleSeconds'
> = (app, deps) => {
  const { db, operatorKey } = deps;

  app.post(
    '/v1/sign-in-links',
    {
      config: { audit: { target: 'session' }, allow: 'operator' },
      schema: {
        operationId: 'signInLinks.create',
        summary: 'Create a sign-in link',
        description:
          'Opening the link signs in to the console as the operator. It works once and expires after 5 minutes.',
        tags,
        response: { 201: SignInLink },
      },
    },
    async (request, reply) => {
      const link = await createSignInLink(
        { db },
        {
          operatorKey,
          lastsSeconds: deps.sessionSeconds,
          idleSeconds: deps.sessionIdleSeconds,
          address: addressOf(request),
        },
      );
      return reply.code(201).send({
        id: toTypeId('ses', link.id),
        url: `${baseUrlOf(request, deps)}/sign-in#token=${link.token}`,
        token: link.token,
        expiresAt: link.expiresAt.toISOString(),
      });
    },
  );

  app.post(
    '/v1/session/sign-in-link',
    {
      config: {
        audit: { target: 'session', refusedAs: 'session.refused' },
        allow: 'public',
        problems: ['forbidden', 'rate_limited'],
      },
      schema: {
        operationId: 'signInLinks.open',
        summary: 'Sign in with a link',
        description:
          'Exchanges the token of a sign-in link for a session cookie. The token works once: of several concurrent requests, one succeeds ' +
          'and the others get a 401. Fetching the page of the link, for example for a preview, does not use the token.',
        tags,
        body: OpenSignInLink,
        response: { 201: Session },
      },
    },
    async (request, reply) => {
      requireSameOrigin(request, deps);
      const { token: linkToken } = request.body;
      const opened = await openSignInLink({ db }, { linkToken, operatorKey, address: addressOf(request) });
      if (opened === null) {
        const waitSeconds = await countWrongKey({ db }, callerOf(request), WRONG_KEYS_PER_MINUTE);
        if (waitSeconds > 0) throw new TooManyLogins(waitSeconds);
        request.log.warn({ logType: 'audit', address: addressOf(request) }, 'session.refused');
        throw new Unauthenticated(
          'This sign-in link has expired or was already used. Create a new one: posthorn sign-in.',
        );
      }
      request.caller = { kind: 'operator', session: { id: opened.id, expiresAt: opened.expiresAt } };
      return reply
        .code(201)
        .header('set-cookie', sessionCookie(request, deps, opened.token, deps.sessionSeconds))
        .send(sessionJson(request.caller));
    },
  );

  app.post(
    '/v1/board-links',
    {
      config: { audit: { target: 'session' }, allow: 'operator' },
      schema: {
        operationId: 'boardLinks.create',
        summary: 'Create a link that signs in to Bull Board',
        description:
          'The link works once and expires after 1 minute. Bull Board must run with the same `POSTHORN_OPERATOR_KEY` as the API. ' +
          'Returns 422 unless `POSTHORN_BOARD_URL` is set.',
        tags,
        response: { 201: BoardLink },
      },
    },
    async (_request, reply) => {
      if (deps.boardUrl === null)
        throw new NotPossible('the API does not know where Bull Board is: set POSTHORN_BOARD_URL');
      const { ticket, expiresAt } = signBoardTicket({ operatorKey, now: Date.now() });
      const url = `${deps.boardUrl.replace(/\/+$/, '')}/login#ticket=${ticket}`;
      return reply.code(201).send({ url, expiresAt: expiresAt.toISOString() });
    },
  );
};
