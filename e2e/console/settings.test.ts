import { makeCertificates, openTokenServer, waitFor } from '@posthorn/testing';
import { describe, expect, inject, onTestFinished } from 'vitest';
import { it } from './browser.js';

describe.skipIf(inject('browserPath') === null)('the settings of a webhook', () => {
  it('custom headers are added, kept without being shown, and removed; a forbidden one is refused beside its row', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url, { headers: { 'x-kept': 'hush', 'x-gone': '1' } });
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    await button('Add header').click();
    await page.getByLabel('Header name').last().fill('Webhook-Id');
    await page.getByLabel('Value of Webhook-Id').fill('mine');
    await button('Save').click();
    const alert = page.getByRole('alert').filter({ hasText: 'Posthorn sets this header itself' });
    await alert.waitFor();
    const field = page.getByLabel('Header name').last();
    expect(await field.getAttribute('aria-describedby')).toBe(await alert.getAttribute('id'));

    await field.fill('X-KEPT');
    await button('Save').click();
    await see('This header already exists');

    await field.fill('x-new');
    await button('Remove x-gone').click();
    await button('Save').click();
    await see('Saved.');
    expect(await page.getByText('hush').count()).toBe(0);
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(() => endpoint.events.length === 1);
    const headers = endpoint.events[0]?.headers;
    expect([headers?.['x-kept'], headers?.['x-new'], headers?.['x-gone']]).toEqual(['hush', 'mine', undefined]);
  });

  it('saves description, rate limit and order; refuses a rate that is not a number', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url, { rateLimit: 7 });
    const read = () => stack.call('GET', `/v1/accounts/${account}/subscriptions/${id}`);
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    const rate = page.getByRole('textbox', { name: /^Rate limit/ });
    await page.getByRole('textbox', { name: /^Description/ }).fill('CRM of the north');
    await rate.fill('fast');
    await button('Save').click();
    await see('Enter a whole number of attempts per second');
    expect((await read())['rateLimit']).toBe(7);
    await rate.fill('20000');
    await button('Save').click();
    await see('must be at most 10000');
    await rate.fill('50');
    await page.getByRole('checkbox', { name: /^Keep strict order/ }).check();
    await button('Save').click();
    await see('Saved.');
    expect(await read()).toMatchObject({ rateLimit: 50, description: 'CRM of the north', ordering: 'strict' });
  });

  it('saves a retry schedule and a timeout; names the limit of the operator beside the field', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url, { retrySchedule: [10, 300] });
    const read = () => stack.call('GET', `/v1/accounts/${account}/subscriptions/${id}`);
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    const schedule = page.getByRole('textbox', { name: /^Retry schedule/ });
    const timeout = page.getByRole('textbox', { name: /^Timeout/ });
    expect(await schedule.inputValue()).toBe('10s, 5m');
    await schedule.fill('soon');
    await button('Save').click();
    await see('Enter waits with commas between them');
    await schedule.fill('5d, 5d');
    await button('Save').click();
    await see("Must add up to at most 604800 s, the operator's limit (MAX_RETRY_DAYS)");
    await schedule.fill('30, 2h');
    await timeout.fill('60');
    await button('Save').click();
    await see("Must be at most 30000, the operator's limit (MAX_DELIVERY_TIMEOUT_MS)");
    await timeout.fill('2.5');
    await button('Save').click();
    await see('Saved.');
    expect(await read()).toMatchObject({ retrySchedule: [30, 7_200], timeoutMs: 2_500 });
    await page.goto(page.url().replace(/\/settings$/, ''));
    await see('30s, 2h');
    await page.goBack();
    await schedule.fill('');
    await timeout.fill('');
    await button('Save').click();
    await see('Saved.');
    expect(await read()).toMatchObject({ retrySchedule: null, timeoutMs: null });
  });

  it('tests a filter against recent events, saves it, and sends only events that pass', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    const publishStatus = (status: string) =>
      stack.publish(account, JSON.stringify({ event: 'message:created', payload: { status } }));
    await publishStatus('open');
    await publishStatus('closed');
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    const filter = page.getByRole('textbox', { name: /^Filter/ });
    await filter.fill('$.status = "closed"');
    await button('Test the filter').click();
    await see('write == to compare');
    await filter.fill('$.payload.status == "closed"');
    await button('Test the filter').click();
    await see('0 of the 2 newest events pass.');
    await see('No tested event has $.payload.status');
    await filter.fill('$.status == "closed"');
    await button('Test the filter').click();
    await see('1 of the 2 newest events pass.');
    await button('Save').click();
    await see('Saved.');
    expect(await stack.call('GET', `/v1/accounts/${account}/subscriptions/${id}`)).toMatchObject({
      filter: '$.status == "closed"',
    });
    expect((await publishStatus('open')).deliveries).toBe(0);
    expect((await publishStatus('closed')).deliveries).toBe(1);
  });

  it('Undo in the message reverts disable and pause, and pending deliveries are still sent', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    endpoint.respondWith(503, 200);
    const event = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(async () => (await stack.delivery(account, event.id)).attemptCount === 1);
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    await button('Disable').click();
    await see('pending deliveries are held');
    await button('Undo').click();
    await page.getByRole('region', { name: 'Status' }).getByText('Active', { exact: true }).waitFor();
    await waitFor(async () => (await stack.delivery(account, event.id)).status === 'succeeded');
    await button('Dismiss').first().click();
    await button('Pause').click();
    await see('Webhook paused. Its deliveries are held.');
    await button('Undo').last().click();
    await page.getByRole('region', { name: 'Status' }).getByText('Active', { exact: true }).waitFor();
  });

  it('saves an authentication without showing its secrets, refuses a wrong one beside its input, and warns before a certificate expires', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const tokens = await openTokenServer();
    onTestFinished(() => tokens.close());
    const { account, id } = await stack.subscribe(endpoint.url);
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    const kind = page.getByRole('combobox', { name: 'Kind of authentication' });
    await kind.selectOption('OAuth 2.0 client credentials');
    await page.getByRole('textbox', { name: 'Client ID' }).fill(tokens.clientId);
    await page.getByLabel('Client secret', { exact: true }).fill(tokens.clientSecret);
    await page.getByRole('textbox', { name: 'Token URL' }).fill('http://192.168.0.1/token');
    await button('Save').click();
    await see(/^Is not allowed:/);
    await page.getByRole('textbox', { name: 'Token URL' }).fill(tokens.url);
    await button('Save').click();
    await see('Saved.');
    expect(await page.getByLabel('Client secret', { exact: true }).inputValue()).toBe('');
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(() => endpoint.events.length === 1);
    expect(endpoint.events[0]?.headers['authorization']).toBe('Bearer token-1');

    // Another change keeps the secret.
    await page.getByRole('textbox', { name: 'Scope (optional)' }).fill('webhooks');
    await button('Save').click();
    await waitFor(async () => {
      const saved = await stack.call('GET', `/v1/accounts/${account}/subscriptions/${id}`);
      return (saved['authentication'] as { scope: string | null }).scope === 'webhooks';
    });
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(() => endpoint.events.length === 2);
    expect(tokens.requests.map(({ form }) => form['scope'])).toEqual([undefined, 'webhooks']);

    const { key, valid, expired } = makeCertificates();
    const { id: other } = await stack.call<{ id: string }>('POST', `/v1/accounts/${account}/subscriptions`, {
      url: 'https://localhost:9443/',
    });
    await signIn(`/accounts/${account}/subscriptions/${other}/settings`);
    await kind.selectOption('Client certificate (mTLS)');
    await page.getByRole('textbox', { name: 'Certificate (PEM)' }).fill(expired);
    await page.getByRole('textbox', { name: 'Private key (PEM)' }).fill(key);
    await button('Save').click();
    await see('Expired on 2021-01-01: use a current one.');
    await page.getByRole('textbox', { name: 'Certificate (PEM)' }).fill(valid);
    await button('Save').click();
    await see(/^This certificate expires in 1 day/);
    await see('CN=authority');
    expect(await page.getByRole('textbox', { name: 'Private key (PEM)' }).inputValue()).toBe('');
  });

  it('enabling a webhook offers to replay the events it missed', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    await stack.call('POST', `/v1/accounts/${account}/subscriptions/${id}/disable`, {});
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    await button('Enable').first().click();
    await button('Replay missed events').click();
    expect(await page.getByRole('radio', { name: /^Missed events/ }).isChecked()).toBe(true);
    await button('Preview').click();
    await see('1 delivery to 1 webhook will be replayed, oldest first, rate-limited.');
    await button('Start replay').click();
    await waitFor(() => endpoint.events.length === 1);
  });

  it('rotating shows both secrets and when the old one expires, and hides them after 30 s', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id, secret } = await stack.subscribe(endpoint.url);
    onTestFinished(() => page.context().close()); // its fake clock would remain
    await page.clock.install();
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    await button('Rotate secret…').click();
    await page.getByLabel('Keep the old secret valid for').selectOption('1 hour');
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate secret' }).click();
    await see(secret);
    await see(/Old secret, valid until/);
    expect(await page.getByText(/^whsec_[A-Za-z0-9+/]{20,}/).count()).toBe(2);
    await page.clock.runFor(31_000);
    await waitFor(async () => (await page.getByText(/^whsec_[A-Za-z0-9+/]/).count()) === 0);
  });

  it('deleting requires typing the host', async ({ page, stack, endpoint, signIn, button, see }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    await button('Delete webhook…').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').fill('example.com');
    await dialog.getByRole('button', { name: 'Delete webhook' }).click();
    const { host } = new URL(endpoint.url);
    await see(`Type ${host} exactly.`);
    await dialog.getByRole('textbox').fill(host);
    await dialog.getByRole('button', { name: 'Delete webhook' }).click();
    await see('Webhook deleted.');
    await see('No webhooks yet');
  });
});
