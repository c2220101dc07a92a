import { AddEmailRecipient, EmailRecipient, EmailRecipients, toTypeId } from '@posthorn/contract';
import { addRecipient, type EmailRecipient as Row, listRecipients, removeRecipient } from '@posthorn/core';
import { z } from 'zod';
import type { Routes } from '../deps.js';
import { NotFound, NotPossible } from '../errors.js';
import { AccountParams, EmailRecipientParams, requireAccount, uuidOf } from './params.js';

const tags = ['Notifications'];

export const emailRecipientRoutes: Routes<'db' | 'sendsEmails'> = (app, { db, sendsEmails }) => {
  app.get(
    '/v1/accounts/:account/email-recipients',
    {
      config: { allow: 'subscriptions:read' },
      schema: {
        operationId: 'emailRecipients.list',
        summary: 'List email recipients',
        tags,
        params: AccountParams,
        response: { 200: EmailRecipients },
      },
    },
    async ({ params: { account } }) => {
      const rows = await listRecipients({ db }, account);
      await requireAccount({ db }, account, rows);
      return { isAvailable: sendsEmails, data: rows.map(recipientJson) };
    },
  );

  app.post(
    '/v1/accounts/:account/email-recipients',
    {
      config: { audit: { target: 'emailRecipient' }, allow: 'subscriptions:write' },
      schema: {
        operationId: 'emailRecipients.add',
        summary: 'Add an email recipient',
        description:
          'Posthorn sends an email with a link to confirm the address. Then the address gets an email whenever a webhook of the account ' +
          'keeps failing (after half and after three quarters of `FAILING_AFTER_DAYS`), is disabled or recovers. Each email has a link to unsubscribe. Returns 200 if the address was added before.',
        tags,
        params: AccountParams,
        body: AddEmailRecipient,
        response: { 200: EmailRecipient, 201: EmailRecipient },
      },
    },
    async ({ params, body: { address } }, reply) => {
      if (!sendsEmails) throw new NotPossible('the operator has not configured a mail server (SMTP_URL)');
      const result = await addRecipient({ db }, { accountId: params.account, address });
      switch (result.outcome) {
        case 'added':
          return reply.code(201).send(recipientJson(result.recipient));
        case 'exists':
          return reply.code(200).send(recipientJson(result.recipient));
        case 'account_unknown':
          throw new NotFound('account');
        case 'too_many':
          throw new NotPossible(
            `an account has at most ${result.most} addresses, including those removed within the last day; remove one, then add this one tomorrow`,
          );
        case 'removed_recently':
          throw new NotPossible('this address was unsubscribed within the last day; add it again tomorrow');
        default:
          return result satisfies never;
      }
    },
  );

  app.delete(
    '/v1/accounts/:account/email-recipients/:recipient',
    {
      config: { audit: { target: 'emailRecipient' }, allow: 'subscriptions:write' },
      schema: {
        operationId: 'emailRecipients.remove',
        summary: 'Remove an email recipient',
        tags,
        params: EmailRecipientParams,
        response: { 204: z.undefined() },
      },
    },
    async ({ params }, reply) => {
      const key = { accountId: params.account, id: uuidOf('eml', params.recipient) };
      if (!(await removeRecipient({ db }, key))) throw new NotFound('recipient');
      return reply.code(204).send();
    },
  );
};

const recipientJson = ({ id, address, createdAt, confirmedAt }: Row): EmailRecipient => ({
  id: toTypeId('eml', id),
  address,
  status: confirmedAt === null ? 'unconfirmed' : 'confirmed',
  createdAt: createdAt.toISOString(),
});
