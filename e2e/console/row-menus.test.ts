import { waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

describe.skipIf(inject('browserPath') === null)('the menus of rows', () => {
  it('a webhook: send test, edit, disable, enable and replay, by keyboard', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    const list = `/accounts/${account}/integrations`;
    await signIn(list);
    const choose = async (name: string) => {
      await button(/^Actions for/).press('Enter');
      await page.getByRole('menuitem', { name, exact: true }).press('Enter');
    };
    const leadsTo = async (tab: string) => {
      await waitFor(() => new URL(page.url()).pathname === `/accounts/${account}/subscriptions/${id}/${tab}`);
      await page.goBack();
      await button(/^Actions for/).waitFor();
    };
    await choose('Send test');
    await leadsTo('test');
    await choose('Edit');
    await leadsTo('settings');
    await choose('Replay…');
    await leadsTo('replay');
    await choose('Disable');
    await page.getByRole('cell', { name: 'Disabled' }).waitFor();
    await choose('Enable');
    await page.getByRole('cell', { name: 'Active' }).waitFor();
  });

  it('a delivery: retry, copy its ID, open its event and its webhook', async ({
    page,
    context,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id: webhook } = await stack.subscribe(endpoint.url);
    endpoint.respondWith({ status: 503, headers: { 'retry-after': '3600' } }, 200);
    const event = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(async () => (await stack.delivery(account, event.id)).attemptCount === 1);
    const delivery = await stack.delivery(account, event.id);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await signIn(`/accounts/${account}/deliveries`);
    const choose = async (name: string) => {
      await button(/^Actions for message:created/).press('Enter');
      await page.getByRole('menuitem', { name }).press('Enter');
    };
    await choose('Copy ID');
    await see('Copied.');
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(delivery.id);
    await choose('Open event');
    await waitFor(() => new URL(page.url()).pathname === `/accounts/${account}/events/${event.id}`);
    await page.goBack();
    await choose('Open webhook');
    await waitFor(() => new URL(page.url()).pathname === `/accounts/${account}/subscriptions/${webhook}`);
    await page.goBack();
    await choose('Retry');
    await see('Retry queued.');
    await page.getByRole('row', { name: /Succeeded · 200/ }).waitFor();
    // A succeeded delivery has no Retry.
    await button(/^Actions for message:created/).press('Enter');
    await page.getByRole('menuitem', { name: 'Copy ID' }).waitFor();
    expect(await page.getByRole('menuitem', { name: 'Retry' }).count()).toBe(0);
  });
});
