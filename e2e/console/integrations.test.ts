import { waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';
import { settled } from './settled.js';

describe.skipIf(inject('browserPath') === null)('webhooks in the console', () => {
  it('a failed verification shows the response and the cause; an edit clears “Verified!”; closing unverified says so (C2, C3, C4, C5)', async ({
    page,
    endpoint,
    signIn,
    button,
    see,
    newAccount,
    save,
  }) => {
    const account = await newAccount();
    endpoint.respondToHandshakeWith({ body: '{"ok":true}' });
    await signIn(`/accounts/${account}/integrations`);
    await save(endpoint.url);
    await see('Unexpected response body');
    await page.getByText('Request and response').click();
    await see('{"ok":true}');
    await button('Close').last().click();
    await see('Webhook saved. It receives no events until its URL is verified.');
    await page.getByRole('cell', { name: 'Unverified' }).waitFor();

    endpoint.respondToHandshakeWith(({ challenge }) => ({ body: challenge ?? '' }));
    await button(/^Actions for/).click();
    await page.getByRole('menuitem', { name: 'Verify again' }).click();
    await page.getByRole('cell', { name: 'Active' }).waitFor();

    await save(endpoint.url);
    await see('Verified!');
    await page.getByRole('textbox', { name: 'Webhook URL' }).fill(`${endpoint.url}/other`);
    await waitFor(async () => (await page.getByText('Verified!').count()) === 0);
  });

  it('the form of a new webhook keeps its layout while event types load, so a click on Save hits it', async ({
    page,
    endpoint,
    signIn,
    button,
    newAccount,
  }) => {
    let answer = () => {};
    const wanted = new Promise<void>((resolve) => (answer = resolve));
    await page.route('**/v1/event-types*', async (route) => {
      await wanted;
      await route.continue();
    });
    await signIn(`/accounts/${await newAccount()}/integrations`);
    await button('Add webhook URL').click();
    await page.getByRole('textbox', { name: 'Webhook URL' }).fill(endpoint.url);
    await settled(page);
    const loading = await button('Save').boundingBox();
    const selected = page.getByRole('radio', { name: 'Selected events' });
    expect(await selected.isDisabled()).toBe(true);

    answer();
    await waitFor(() => selected.isEnabled());
    await settled(page);
    expect(await button('Save').boundingBox()).toEqual(loading);
  });

  it('saves and verifies a webhook while the browser is offline, because Posthorn may run on the same machine', async ({
    page,
    endpoint,
    signIn,
    newAccount,
    save,
    see,
  }) => {
    await signIn(`/accounts/${await newAccount()}/integrations`);
    await page.evaluate(`window.dispatchEvent(new Event('offline'))`);
    await save(endpoint.url);
    await see('Verified!');
  });

  it.for<[url: string, reason: string]>([
    ['not a url', 'Start the URL with https://'],
    ['http://', 'This URL is not valid'],
    ['http://169.254.169.254/latest', 'private or reserved'],
    ['http://127.0.0.1:25/', 'Port 25'],
  ])(
    'the refused URL %s has a reason beside the field (C1)',
    async ([url, reason], { page, signIn, newAccount, save }) => {
      await signIn(`/accounts/${await newAccount()}/integrations`);
      await save(url);
      const field = page.getByRole('textbox', { name: 'Webhook URL' });
      await page.getByRole('alert').filter({ hasText: reason }).waitFor();
      expect(await field.getAttribute('aria-invalid')).toBe('true');
    },
  );

  it('a changed URL is shown beside the working one until it is verified (C6)', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    endpoint.respondToHandshakeWith(500);
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    await page.getByRole('textbox', { name: 'Webhook URL' }).fill(`${endpoint.url}/new`);
    await button('Save').click();
    await see('is not verified yet');
    await see('Endpoint returned 500 (expected 2xx)');
    await page
      .getByRole('heading', { level: 1 })
      .getByText(/\/webhook$/)
      .waitFor();
  });

  it('a URL of another origin lists the headers it drops and accepts their values again', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url, { headers: { authorization: 'Bearer hunter2' } });
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    const url = page.getByRole('textbox', { name: 'Webhook URL' });
    const value = page.getByRole('textbox', { name: 'Value of authorization' });
    const warning = page.getByText('Saving drops these headers for the new URL: authorization.');
    await url.fill(`${endpoint.url}/v2`);
    expect(await warning.count()).toBe(0);
    await url.fill(endpoint.url.replace('127.0.0.1', 'localhost'));
    await warning.waitFor();

    await button('Enter values').click();
    await page.keyboard.type('Bearer again');
    expect(await value.inputValue()).toBe('Bearer again');
    expect(await warning.count()).toBe(0);
    await value.clear();
    await button('Save').click();
    await see('Enter a value.');
    await value.fill('Bearer again');
    await button('Save').click();
    await see('Saved.');
    await waitFor(() => endpoint.requests.length === 2);
    expect(endpoint.requests.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer hunter2',
      'Bearer again',
    ]);

    await page.reload();
    await url.fill(endpoint.url);
    await warning.waitFor();
    await button('Save').click();
    await see('Dropped headers: authorization.');
    await waitFor(() => endpoint.requests.length === 3);
    expect(endpoint.requests.at(-1)?.headers['authorization']).toBeUndefined();
  });
});
