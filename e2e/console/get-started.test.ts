import { waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

describe.skipIf(inject('browserPath') === null)('first steps', () => {
  it('“Get started” is shown until the account has a webhook, a test and a published event', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    newAccount,
    save,
  }) => {
    const account = await newAccount();
    await signIn(`/accounts/${account}/integrations`);
    const steps = page.getByRole('region', { name: 'Get started' });
    await steps.getByText('Add a webhook URL, to do').waitFor();
    await steps.getByRole('combobox', { name: 'Language' }).selectOption('Python');
    await steps
      .getByLabel('the request in Python')
      .getByText(`${stack.apiUrl}/v1/accounts/${account}/events`)
      .waitFor();

    await save(endpoint.url);
    await page.getByText('Verified!').first().waitFor();
    await button('Send test').click();
    await page.getByRole('link', { name: 'View delivery' }).waitFor();
    await button('Done').click();
    await steps.getByText('Add a webhook URL, done').waitFor();
    await steps.getByText('Send a test, done').waitFor();
    await steps.getByText('Receive the first published event, to do').waitFor();

    // A test that is sent again is still a test.
    await page.goto(`/accounts/${account}/deliveries`);
    await page.getByRole('link', { name: 'message:created' }).click();
    await button('Retry now').click();
    await waitFor(() => endpoint.events.length === 2);
    await page.goto(`/accounts/${account}/deliveries?trigger=manual`);
    await page.getByRole('row', { name: /Succeeded/ }).waitFor();
    await page.goto(`/accounts/${account}/integrations`);
    await steps.getByText('Send a test, done').waitFor();
    await steps.getByText('Receive the first published event, to do').waitFor();

    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await steps.waitFor({ state: 'detached' });
    await page.reload();
    await page.getByRole('cell', { name: 'Active' }).waitFor();
    expect(await steps.count()).toBe(0);

    // Without a test, it stays.
    const other = await stack.subscribe(endpoint.url);
    const { id } = await stack.publish(other.account, '{"event":"message:created","payload":{}}');
    await waitFor(async () => (await stack.delivery(other.account, id)).status === 'succeeded');
    await page.goto(`/accounts/${other.account}/integrations`);
    await steps.getByText('Receive the first published event, done').waitFor();
    await steps.getByText('Send a test, to do').waitFor();
    await page.goto(`/accounts/${account}/integrations`);
    await page.getByRole('cell', { name: 'Active' }).waitFor();

    // In an outage, the newest deliveries have failed.
    endpoint.respondWith(500);
    const body = { event: 'message:created', payload: {} };
    const events = Array.from({ length: 110 }, () => body);
    await stack.call('POST', `/v1/accounts/${account}/events/batch`, { events });
    await page.reload();
    await page.getByRole('cell', { name: 'Active' }).waitFor();
    expect(await steps.count()).toBe(0);
  });

  it('a new webhook has its events, headers, rate limit and description before its handshake, and gets nothing else', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    newAccount,
  }) => {
    const account = await newAccount();
    await signIn(`/accounts/${account}/integrations`);
    await button('Add webhook URL').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Webhook URL' }).fill(endpoint.url);
    await dialog.getByRole('radio', { name: 'Selected events' }).check();
    await dialog.getByRole('checkbox', { name: 'conversation:created', exact: true }).check();
    // The picker starts with the newest type, which another test of the same stack may have added.
    const types = await stack.call<{ data: { name: string }[] }>('GET', '/v1/event-types');
    for (const { name } of types.data)
      if (name !== 'conversation:created') await dialog.getByRole('checkbox', { name, exact: true }).uncheck();
    await dialog.getByText('Description, filter, headers, authentication, rate limit and retries').click();
    await dialog.getByRole('textbox', { name: 'Description (optional)' }).fill('CRM');
    await dialog.getByRole('button', { name: 'Add header' }).click();
    await dialog.getByRole('textbox', { name: 'Name' }).fill('authorization');
    await dialog.getByRole('textbox', { name: 'Value' }).fill('Bearer of-the-crm');
    await dialog.getByRole('textbox', { name: /^Rate limit/ }).fill('50');
    expect(endpoint.requests).toEqual([]);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Verified!').first().waitFor();

    expect(endpoint.requests.map(({ headers }) => headers['authorization'])).toEqual(['Bearer of-the-crm']);
    const { data } = await stack.call<{ data: { events: string[] }[] }>('GET', `/v1/accounts/${account}/subscriptions`);
    expect(data).toMatchObject([
      { description: 'CRM', rateLimit: 50, status: 'active', events: ['conversation:created'] },
    ]);
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await stack.publish(account, '{"event":"conversation:created","payload":{}}');
    await waitFor(() => endpoint.events.length === 1);
    expect(String(endpoint.events[0]?.rawBody)).toContain('conversation:created');
  });

  it('a key of an account does not see types that are for operators only', async ({
    page,
    stack,
    signIn,
    newAccount,
  }) => {
    const account = await newAccount();
    const { key } = await stack.call<{ key: string }>('POST', `/v1/accounts/${account}/keys`, { name: 'console' });
    await signIn('/event-types', key);
    await page.getByRole('link', { name: 'subscription:failing' }).waitFor();
    expect(await page.getByRole('link', { name: 'subscription:recovered' }).count()).toBe(0);
  });
});
