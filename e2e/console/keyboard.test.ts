import { openEndpoint, waitFor } from '@posthorn/testing';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

const EVENT = '{"event":"message:created","payload":{}}';
/** More than any screen of these tests has. */
const MOST_STOPS = 60;

const isFocused = (target: Locator): Promise<boolean> =>
  target.evaluate((element) => element.matches(':focus')).catch(() => false);

/** Presses Tab until the target has the focus. Throws after one round. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.first().waitFor();
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    if (await isFocused(target.first())) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach ${target.toString()}`);
}

/** Tabs to the target and presses Enter. */
async function press(page: Page, target: Locator): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press('Enter');
}

describe.skipIf(inject('browserPath') === null)('keyboard use', () => {
  it('skips to the content, adds and verifies a webhook, and focuses the content when the dialog closes', async ({
    page,
    endpoint,
    signIn,
    button,
    newAccount,
  }) => {
    await signIn(`/accounts/${await newAccount()}/integrations`);
    await button('Add webhook URL').waitFor();
    await page.keyboard.press('Tab');
    expect(await isFocused(page.getByRole('link', { name: 'Skip to content' }))).toBe(true);
    await page.keyboard.press('Enter');
    expect(await isFocused(page.getByRole('main'))).toBe(true);

    await press(page, button('Add webhook URL'));
    await page.getByRole('dialog').waitFor();
    expect(await isFocused(page.getByRole('textbox', { name: 'Webhook URL' }))).toBe(true);
    await page.keyboard.type(endpoint.url);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('Verified!', { exact: true }).waitFor();
    await press(page, button('Done'));
    await page.getByRole('cell', { name: 'Active' }).waitFor();
    // The button of the empty list, which opened the dialog, is gone.
    await waitFor(() => isFocused(page.getByRole('main')));
  });

  it('Escape closes a dialog and returns the focus; nothing traps the focus', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    await press(page, button('Rotate secret…'));
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(await isFocused(button('Rotate secret…'))).toBe(true);

    // Tab leaves the payload editor.
    await page.goto(`/accounts/${account}/subscriptions/${id}/test`);
    await tabTo(page, page.getByRole('textbox', { name: 'Payload' }));
    await tabTo(page, button('Send test'));
  });

  it('filters deliveries, opens a failed one and retries it', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    endpoint.respondWith(503);
    const { id } = await stack.publish(account, EVENT);
    await waitFor(async () => (await stack.delivery(account, id)).attemptCount === 1);
    await signIn(`/accounts/${account}/deliveries`);
    await tabTo(page, page.getByRole('combobox', { name: 'Event type' }));
    await page.keyboard.type('message:c');
    await waitFor(() => new URL(page.url()).searchParams.get('eventType') === 'message:created');
    await press(page, button(/^Actions for message:created/));
    await page.getByRole('menuitem', { name: 'Retry' }).waitFor();
    await page.keyboard.press('Enter');
    await see('Retry queued.');
    await waitFor(() => isFocused(button(/^Actions for message:created/)));
    // The schedule may have made the second attempt already.
    await waitFor(async () => (await stack.delivery(account, id)).attemptCount >= 2);
    await page.getByRole('link', { name: 'message:created' }).press('Enter');
    await see('Endpoint returned 503 (expected 2xx)');
    endpoint.respondWith(200);
    await press(page, button('Retry now'));
    await page.getByRole('dialog').getByText('Succeeded · 200').waitFor();
    await page.keyboard.press('Escape');
    await waitFor(() => isFocused(page.getByRole('link', { name: 'message:created' })));
  });

  it('pauses a webhook from its menu, cancels deleting it, then deletes it by typing its host', async ({
    page,
    stack,
    signIn,
    button,
  }) => {
    const endpoint = await openEndpoint();
    const { account } = await stack.subscribe(endpoint.url);
    await endpoint.close();
    await signIn(`/accounts/${account}/integrations`);
    await press(page, button(/^Actions for/));
    await page.getByRole('menuitem', { name: 'Pause' }).waitFor();
    await page.keyboard.press('p');
    await waitFor(() => isFocused(page.getByRole('menuitem', { name: 'Pause' })));
    await page.keyboard.press('Enter');
    await page.getByRole('cell', { name: 'Paused' }).waitFor();
    await waitFor(() => isFocused(button(/^Actions for/)));

    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Delete…' }).waitFor();
    await page.keyboard.press('End');
    await waitFor(() => isFocused(page.getByRole('menuitem', { name: 'Delete…' })));
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await waitFor(() => isFocused(button(/^Actions for/)));

    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Delete…' }).waitFor();
    await page.keyboard.press('End');
    await waitFor(() => isFocused(page.getByRole('menuitem', { name: 'Delete…' })));
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: /^Type / }).waitFor();
    await page.keyboard.type(new URL(endpoint.url).host);
    await page.keyboard.press('Enter');
    await page.getByText('No webhooks yet').waitFor();
  });
});
