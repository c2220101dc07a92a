import { AnyId, type IdPrefix, Lookup, prefixOf, toTypeId } from '@posthorn/contract';
import { findOwner, type Kind } from '@posthorn/core';
import { z } from 'zod';
import type { Routes } from '../deps.js';
import { accountOf } from '../plugins/api-key.js';
import { NotFound } from '../errors.js';
import { uuidOf } from './params.js';

/** Without sessions and audit log entries, which may belong to no account, and without email recipients and export links, which have no
 *  page. */
const KINDS: Partial<Record<IdPrefix, Kind>> = {
  sub: 'subscription',
  evt: 'event',
  dlv: 'delivery',
  att: 'attempt',
  key: 'key',
  ver: 'verification',
  rpl: 'replay',
};

export const lookupRoutes: Routes<'db'> = (app, { db }) => {
  app.get(
    '/v1/lookup/:id',
    {
      config: { allow: 'anyone' },
      schema: {
        operationId: 'lookup.get',
        summary: 'Find the object with an id',
        description: 'An account key finds only objects of its account.',
        tags: ['Lookup'],
        params: z.object({ id: AnyId }),
        response: { 200: Lookup },
      },
    },
    async ({ params: { id }, caller }) => {
      const prefix = prefixOf(id);
      const kind = prefix && KINDS[prefix];
      if (prefix === undefined || kind === undefined) throw new NotFound('object');
      const accountId = accountOf(caller);
      const owner = await findOwner(db.pool, { kind, id: uuidOf(prefix, id), accountId });
      if (!owner) throw new NotFound(kind);
      return {
        type: kind,
        id,
        accountId: owner.accountId,
        ...(owner.subscriptionId !== null && { subscriptionId: toTypeId('sub', owner.subscriptionId) }),
        ...(owner.eventId !== null && { eventId: toTypeId('evt', owner.eventId) }),
        ...(owner.deliveryId !== null && { deliveryId: toTypeId('dlv', owner.deliveryId) }),
      };
    },
  );
};
