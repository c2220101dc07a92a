/* oxlint-disable no-empty-pattern -- vitest reads from the pattern which fixtures one needs */
import { findFreePort } from '@posthorn/embedded';
import pg from 'pg';
import { describe, expect, inject } from 'vitest';
import { startStack } from '../stack.js';
import { it as base } from './browser.js';
import { findings } from './findings.js';

// A stack with a mail server in its settings. (That it sends is tested against a real one in apps/worker.)
const it = base.extend('stack', { scope: 'file' }, async ({}, { onCleanup }) => {
  const smtpUrl = `smtp://127.0.0.1:${await findFreePort()}`;
  const env = { SMTP_URL: smtpUrl, EMAIL_FROM: 'webhooks@acme.example', PUBLIC_URL: 'http://posthorn.example' };
  const stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres', env });
  onCleanup(() => stack.stop());
  return stack;
});

describe.skipIf(inject('browserPath') === null)('“Notify me”', () => {
  it('adds an address, which its owner confirms and unsubscribes by links, without a sign-in', async ({
    page,
    stack,
    button,
    newAccount,
  }) => {
    const account = await newAccount();
    const link = async () =>
      (await stack.call<{ token: string }>('POST', `/v1/accounts/${account}/portal-sessions`, {})).token;
    await page.goto(`${stack.apiUrl}/portal#token=${await link()}`);
    const section = page.getByRole('region', { name: 'Notify me' });
    await section.getByRole('textbox', { name: 'Email address' }).fill('nobody');
    await button('Notify this address').click();
    await section.getByRole('alert').filter({ hasText: 'jo@example.com' }).waitFor();
    await section.getByRole('textbox', { name: 'Email address' }).fill('Jo@Example.com');
    await button('Notify this address').click();
    await section.getByText('Waiting for confirmation').waitFor();
    expect(await findings(page)).toEqual([]);

    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    const { rows } = await client.query<{ token: string }>('SELECT token FROM email_recipients');
    await client.end();
    const token = rows[0]?.token ?? '';
    await page.goto(`${stack.apiUrl}/email/confirm?token=${token}`);
    await button('Confirm').click();
    await page.getByRole('heading', { name: /^Confirmed\./ }).waitFor();
    await page.goto(`${stack.apiUrl}/portal#token=${await link()}`);
    await section.getByText('jo@example.com').first().waitFor();
    expect(await section.getByText('Waiting for confirmation').count()).toBe(0);

    await page.goto(`${stack.apiUrl}/email/unsubscribe?token=${token}`);
    await button('Unsubscribe').click();
    await page.getByRole('heading', { name: /^Unsubscribed\./ }).waitFor();
    await page.goto(`${stack.apiUrl}/portal#token=${await link()}`);
    await section.waitFor();
    expect(await section.getByRole('listitem').count()).toBe(0);
  });
});
