import {
  CreatePortalSession,
  DEFAULT_CAPABILITIES,
  OpenPortalSession,
  PortalLink,
  PortalSession,
  Theme,
  toTypeId,
} from '@posthorn/contract';
import { createPortalLink, endPortals, openPortal } from '@posthorn/core';
import { z } from 'zod';
import { addressOf } from '../client-address.js';
import { baseUrlOf } from '../base-url.js';
import type { Routes } from '../deps.js';
import { AccountReserved, NotFound, Unauthenticated } from '../errors.js';
import { AccountParams } from './params.js';

const tags = ['Sessions'];
const DEFAULT_SECONDS = 3_600;

export const portalRoutes: Routes<'db' | 'operationsAccount' | 'publicUrl' | 'frameAncestors'> = (app, deps) => {
  const { db } = deps;

  app.post(
    '/v1/accounts/:account/portal-sessions',
    {
      config: {
        audit: { target: 'session', notes: ['capabilities', 'ttlSeconds'] },
        allow: 'operator',
        problems: ['account_reserved'],
      },
      schema: {
        operationId: 'portals.create',
        summary: 'Create a link to the portal of an account',
        description:
          'The portal shows only this account, and has only the given `capabilities`. The link works ' +
          'once, within 5 minutes, so create it when you render the page that contains it.',
        tags,
        params: AccountParams,
        body: CreatePortalSession,
        response: { 201: PortalLink },
      },
    },
    async (request, reply) => {
      if (request.params.account === deps.operationsAccount) {
        throw new AccountReserved(request.params.account, 'It has no portal. Use the console.');
      }
      const { capabilities = DEFAULT_CAPABILITIES, ttlSeconds = DEFAULT_SECONDS, theme = null, path } = request.body;
      const link = await createPortalLink(
        { db },
        {
          accountId: request.params.account,
          capabilities,
          lastsSeconds: ttlSeconds,
          theme,
          address: addressOf(request),
        },
      );
      if (link === null) throw new NotFound('account');
      const { id, token, expiresAt } = link;
      const page = path === undefined ? '' : `/accounts/${request.params.account}${path}`;
      const url = `${baseUrlOf(request, deps)}/portal${page}#token=${token}`;
      return reply.code(201).send({ id: toTypeId('ses', id), url, token, expiresAt: expiresAt.toISOString() });
    },
  );

  app.delete(
    '/v1/accounts/:account/portal-sessions',
    {
      config: { audit: { target: 'session' }, allow: 'operator' },
      schema: {
        operationId: 'portals.endAll',
        summary: 'End all portals of an account',
        description: 'Takes effect immediately. Links that were not opened yet become invalid, too.',
        tags,
        params: AccountParams,
        response: { 204: z.undefined() },
      },
    },
    async ({ params }, reply) => {
      if (!(await endPortals({ db }, { accountId: params.account }))) throw new NotFound('account');
      return reply.code(204).send();
    },
  );

  app.post(
    '/v1/portal-session',
    {
      config: { audit: { target: 'session' }, allow: 'public' },
      schema: {
        operationId: 'portals.open',
        summary: 'Open a portal',
        description:
          'Exchanges the token of a link for a token that authenticates requests. It works once: of concurrent requests, one succeeds ' +
          'and the others are a 401.',
        tags,
        body: OpenPortalSession,
        response: { 200: PortalSession },
      },
    },
    async (request) => {
      const opened = await openPortal({ db }, { linkToken: request.body.token, address: addressOf(request) });
      if (opened === null) {
        throw new Unauthenticated('This link was already used, or it has expired. Reload the page that contains it.');
      }
      const { id, token, accountId, capabilities, theme, expiresAt } = opened;
      request.caller = { kind: 'portal', accountId, scopes: capabilities, session: { id, expiresAt } };
      return {
        token,
        expiresAt: expiresAt.toISOString(),
        accountId,
        capabilities,
        theme: theme === null ? null : Theme.parse(theme),
        hostOrigins: deps.frameAncestors,
      };
    },
  );
};
