import type { Queues } from '@posthorn/contract';
import { waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

describe.skipIf(inject('browserPath') === null)('the operator’s screens', () => {
  it('lists webhooks that need attention, each with its problem, since when, and an action that fixes it', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    newAccount,
  }) => {
    const account = await newAccount();
    endpoint.respondToHandshakeWith({ body: '{"ok":true}' });
    const { id } = await stack.call<{ id: string }>('POST', `/v1/accounts/${account}/subscriptions`, {
      url: endpoint.url,
    });
    const path = `/v1/accounts/${account}/subscriptions/${id}`;
    const verification = async () =>
      (await stack.call<{ verification: { status: string } }>('GET', path)).verification.status;
    await waitFor(async () => (await verification()) === 'failed');

    await signIn();
    const row = page.getByRole('row').filter({ hasText: account });
    await row.getByRole('cell', { name: 'Unverified' }).waitFor();
    await row.getByText('return only the payload').waitFor();
    endpoint.respondToHandshakeWith(({ challenge }) => ({ body: challenge ?? '' }));
    await row.getByRole('button', { name: 'Verify again' }).click();
    await row.waitFor({ state: 'detached' });
    await waitFor(async () => (await verification()) === 'verified');

    endpoint.respondWith({ status: 410 });
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await row.getByRole('cell', { name: 'Disabled · gone' }).waitFor();
    await button('Enable').click();
    await row.waitFor({ state: 'detached' });
  });

  it('says which events are still expanding, with a link to the oldest', async ({
    page,
    stack,
    signIn,
    newAccount,
  }) => {
    const account = await newAccount();
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    const show = async (expanding: number) => {
      await page.unrouteAll({ behavior: 'wait' });
      await page.route('**/v1/queues', async (route) => {
        const response = await route.fetch();
        const queues = (await response.json()) as Queues;
        const oldestExpanding = { accountId: account, eventId: id };
        const deliveries = { ...queues.deliveries, expanding, oldestExpanding };
        await route.fulfill({ response, json: { ...queues, deliveries } });
      });
    };
    await show(1);
    await signIn('/queues');
    const one = page.getByRole('status').getByRole('link', { name: '1 large event is still expanding' });
    expect(await one.getAttribute('href')).toBe(`/accounts/${account}/events/${id}`);
    await show(3);
    await page.getByText('3 large events are still expanding, the oldest for').waitFor();
    await page.getByRole('status').getByRole('link', { name: account }).click();
    await page.getByRole('heading', { name: 'message:created' }).waitFor();
  });

  it('shows the settings and which are defaults, but no secret', async ({ page, stack, signIn, see }) => {
    await signIn('/settings');
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('cell', { name, exact: true }) });
    await row('POSTHORN_OPERATOR_KEY').getByText('set (hidden)').waitFor();
    await row('REQUIRE_HTTPS').getByText('Environment').waitFor();
    await row('SESSION_HOURS').getByText('Default').waitFor();
    await see('127.0.0.0/8');
    expect(await page.content()).not.toContain(stack.operatorKey);
  });

  it('adds, edits, deprecates and removes an event type; its example must be JSON', async ({
    page,
    signIn,
    button,
    see,
  }) => {
    await signIn('/event-types');
    await button('Add event type').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('order:shipped');
    await dialog.getByLabel('Example payload').fill('{"id": 1');
    await dialog.getByRole('button', { name: 'Add event type' }).click();
    await see(/^This is not valid JSON/);
    await dialog.getByLabel('Example payload').fill('{"id": "o_1"}');
    await dialog.getByRole('button', { name: 'Add event type' }).click();
    await page.getByRole('heading', { name: 'order:shipped' }).waitFor();
    await see('"id": "o_1"');

    await button('Edit').click();
    await dialog.getByLabel('Description').fill('An order left the house.');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await see('An order left the house.');
    await see('"id": "o_1"');
    await button('Deprecate').click();
    await button('Undo deprecation').waitFor();
    await button('Remove…').click();
    await dialog.getByRole('button', { name: 'Remove event type' }).click();
    await page.getByRole('link', { name: 'message:created' }).waitFor();
    await page.getByRole('link', { name: 'order:shipped' }).waitFor({ state: 'detached' });

    await page.goto('/event-types/subscription:disabled');
    await page.getByRole('heading', { name: 'subscription:disabled' }).waitFor();
    expect(await button('Edit').count()).toBe(0);
  });

  it('edits, enforces and shows the schema of an event type; an error is beside the schema', async ({
    page,
    stack,
    signIn,
    button,
    see,
    newAccount,
  }) => {
    await stack.call('PUT', '/v1/event-types/order:billed', {});
    await signIn('/event-types/order:billed');
    await button('Edit').click();
    const dialog = page.getByRole('dialog');
    const schema = dialog.getByLabel('JSON Schema of the payload');
    await dialog.getByLabel('Enforce at publish').check();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await see(/^Is required to enforce it/);
    await schema.fill('{"properties": {"total": {"type": "money"}}}');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await see(/^At \/properties\/total\/type must be one of/);
    await schema.fill(
      '{"required": ["total"], "properties": {"total": {"type": "integer", "description": "In cents."}}}',
    );
    await dialog.getByRole('button', { name: 'Make an example from the schema' }).click();
    await waitFor(async () => (await dialog.getByLabel('Example payload').inputValue()).includes('"total": 0'));
    await dialog.getByRole('button', { name: 'Save' }).click();
    await see(/^Version 1. Enforced/);
    await page.getByRole('row', { name: 'total integer Yes In cents.' }).waitFor();

    await button('Deprecate').click();
    await button('Undo deprecation').waitFor();
    const type = await stack.call('GET', '/v1/event-types/order:billed');
    expect(type).toMatchObject({ enforcement: 'reject', schemaVersion: 1, example: { total: 0 } });

    const { key } = await stack.call<{ key: string }>('POST', `/v1/accounts/${await newAccount()}/keys`, { name: 'c' });
    await signIn('/event-types/order:billed', key);
    await page.getByRole('row', { name: 'total integer Yes In cents.' }).waitFor();
    await stack.call('DELETE', '/v1/event-types/order:billed');
  });

  it('the catalogue is read-only for an account key', async ({ page, stack, signIn, button, newAccount }) => {
    const account = await newAccount();
    const { key } = await stack.call<{ key: string }>('POST', `/v1/accounts/${account}/keys`, { name: 'console' });
    await signIn('/event-types/message:created', key);
    await page.getByRole('heading', { name: 'Example' }).waitFor();
    expect(await button('Edit').count()).toBe(0);
  });

  it('filters the audit log by account, action and actor; the filters are in the address', async ({
    page,
    stack,
    signIn,
    see,
    button,
    newAccount,
  }) => {
    const [mine, theirs] = [await newAccount(), await newAccount()];
    await stack.call('PUT', `/v1/accounts/${mine}`, { name: 'Renamed' });
    await stack.call('POST', `/v1/accounts/${mine}/keys`, { name: 'a key' });
    await signIn('/audit');
    await page.getByRole('textbox', { name: 'Account' }).fill(mine);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.search === `?account=${mine}`);
    await page.getByRole('cell', { name: 'Created API key a key' }).waitFor();
    await page.getByRole('combobox', { name: 'Action' }).selectOption('Saved an account');
    await see('none → Renamed');
    await page.reload();
    await see('none → Renamed');
    expect(new URL(page.url()).search).toBe(`?account=${mine}&action=accounts.put`);
    expect(await page.getByText('Created API key').count()).toBe(0);
    expect(await page.getByText(theirs).count()).toBe(0);
    await page.getByRole('combobox', { name: 'By' }).selectOption('Portal');
    await see('No entries match these filters');
    await button('Clear filters').first().click();
    await page.getByRole('cell', { name: 'Signed in' }).first().waitFor();
  });

  it('filters the audit log by key, from the list of keys or by its name, and by time range', async ({
    page,
    stack,
    signIn,
    see,
    button,
    newAccount,
  }) => {
    const account = await newAccount();
    const path = `/v1/accounts/${account}`;
    const keyOf = async (name: string) => stack.call<{ id: string; key: string }>('POST', `${path}/keys`, { name });
    const [nightly, daily] = [await keyOf('nightly'), await keyOf('daily')];
    for (const { key } of [nightly, daily]) await stack.call('POST', '/v1/session', { key });

    await signIn(`/accounts/${account}/keys`);
    const row = page.getByRole('row').filter({ hasText: 'nightly' });
    await row.getByRole('link', { name: 'Audit log' }).click();
    await page.waitForURL((at) => at.pathname === '/audit' && at.search === `?actorId=${nightly.id}`);
    await page.getByRole('cell', { name: 'nightly' }).waitFor();
    await see('One key');
    expect(await page.getByRole('cell', { name: 'daily' }).count()).toBe(0);

    const by = (name: string) => page.getByRole('cell', { name, exact: true }).getByRole('link');
    await button('Remove').click();
    await by('daily').click();
    await page.waitForURL((at) => at.search === `?actorId=${daily.id}`);
    await by('nightly').waitFor({ state: 'detached' });

    await page.getByRole('combobox', { name: 'Time' }).selectOption('Custom range');
    await by('daily').waitFor();
    await page.getByLabel('To', { exact: true }).fill('2020-01-01T00:00');
    await see('No entries match these filters');
    await page.reload();
    await see('No entries match these filters');
    await page.getByLabel('From', { exact: true }).fill('2020-01-01T00:00');
    await page.getByLabel('To', { exact: true }).fill('2100-01-01T00:00');
    await by('daily').waitFor();
  });

  it('opens an account’s portal in a new tab with exactly the chosen permissions', async ({
    page,
    context,
    stack,
    endpoint,
    signIn,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    await signIn('/accounts');
    const row = page.getByRole('row').filter({ hasText: account });
    await row.getByRole('button', { name: 'Open portal' }).click();
    const dialog = page.getByRole('dialog', { name: `Open portal as ${account}` });
    await dialog.getByLabel('Add, change, test and delete webhooks').uncheck();
    const opened = context.waitForEvent('page');
    await dialog.getByRole('button', { name: 'Open portal' }).click();
    const portal = await opened;
    await portal.getByRole('cell', { name: 'Active' }).waitFor();
    expect(await portal.getByRole('button', { name: 'Add webhook URL' }).count()).toBe(0);
    expect(await portal.getByRole('link', { name: 'Accounts' }).count()).toBe(0);
  });
});
