import { openReceiver, waitFor } from '@posthorn/testing';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

const EVENT = '{"event":"message:created","payload":{}}';
/** More stops than a screen of these tests has. */
const MOST_STOPS = 60;

const isFocused = (wanted: Locator): Promise<boolean> =>
  wanted.evaluate((element) => element.matches(':focus')).catch(() => false);

/** Goes on by Tab until it is there; throws after a round in vain. */
async function tabTo(page: Page, wanted: Locator): Promise<void> {
  await wanted.first().waitFor();
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    if (await isFocused(wanted.first())) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${wanted.toString()}`);
}

/** Tab to it, then Enter. */
async function press(page: Page, wanted: Locator): Promise<void> {
  await tabTo(page, wanted);
  await page.keyboard.press('Enter');
}

describe.skipIf(inject('browserPath') === null)('all by keyboard', () => {
  it('skip to the content, add a webhook to its verified state, and be at the content when the dialog closes', async ({
    page,
    receiver,
    signIn,
    button,
    newAccount,
  }) => {
    await signIn(`/accounts/${await newAccount()}/integrations`);
    await button('Add webhook URL').waitFor();
    await page.keyboard.press('Tab');
    expect(await isFocused(page.getByRole('link', { name: 'Skip to the content' }))).toBe(true);
    await page.keyboard.press('Enter');
    expect(await isFocused(page.getByRole('main'))).toBe(true);

    await press(page, button('Add webhook URL'));
    await page.getByRole('dialog').waitFor();
    expect(await isFocused(page.getByRole('textbox', { name: 'Webhook URL' }))).toBe(true);
    await page.keyboard.type(receiver.url);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('Verified!', { exact: true }).waitFor();
    await press(page, button('Done'));
    await page.getByRole('cell', { name: 'Active' }).waitFor();
    // The button of the empty list, which opened the dialog, is gone.
    await waitFor(() => isFocused(page.getByRole('main')));
  });

  it('a dialog closes by Escape and gives the focus back; nothing traps it', async ({
    page,
    stack,
    receiver,
    signIn,
    button,
  }) => {
    const { account, id } = await stack.subscribe(receiver.url);
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    await press(page, button('Rotate secret…'));
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(await isFocused(button('Rotate secret…'))).toBe(true);

    // The editor of a test's payload lets Tab pass.
    await page.goto(`/accounts/${account}/subscriptions/${id}/test`);
    await tabTo(page, page.getByRole('textbox', { name: 'Payload' }));
    await tabTo(page, button('Send test'));
  });

  it('filter deliveries, open one that failed, and retry it', async ({
    page,
    stack,
    receiver,
    signIn,
    button,
    see,
  }) => {
    const { account } = await stack.subscribe(receiver.url);
    receiver.answer(503);
    const { id } = await stack.publish(account, EVENT);
    await waitFor(async () => (await stack.delivery(account, id)).attemptCount === 1);
    await signIn(`/accounts/${account}/deliveries`);
    await tabTo(page, page.getByRole('combobox', { name: 'Event type' }));
    await page.keyboard.type('message:c');
    await waitFor(() => new URL(page.url()).searchParams.get('eventType') === 'message:created');
    await press(page, button('Retry message:created'));
    await see('Retry queued.');
    await waitFor(() => isFocused(page.getByRole('link', { name: 'message:created' })));
    // The schedule may have made the second attempt already.
    await waitFor(async () => (await stack.delivery(account, id)).attemptCount >= 2);
    await page.keyboard.press('Enter');
    await see('The receiver answered 503');
    receiver.answer(200);
    await press(page, button('Retry now'));
    await page.getByRole('dialog').getByText('Succeeded · 200').waitFor();
    await page.keyboard.press('Escape');
    await waitFor(() => isFocused(page.getByRole('link', { name: 'message:created' })));
  });

  it('pause a webhook by its menu, think twice about deleting it, and delete it by typing its host', async ({
    page,
    stack,
    signIn,
    button,
  }) => {
    const receiver = await openReceiver();
    const { account } = await stack.subscribe(receiver.url);
    await receiver.close();
    await signIn(`/accounts/${account}/integrations`);
    await press(page, button(/^Acts on/));
    await page.getByRole('menuitem', { name: 'Pause' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('cell', { name: 'Paused' }).waitFor();
    await waitFor(() => isFocused(button(/^Acts on/)));

    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Delete…' }).waitFor();
    await page.keyboard.press('End');
    await waitFor(() => isFocused(page.getByRole('menuitem', { name: 'Delete…' })));
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await waitFor(() => isFocused(button(/^Acts on/)));

    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Delete…' }).waitFor();
    await page.keyboard.press('End');
    await waitFor(() => isFocused(page.getByRole('menuitem', { name: 'Delete…' })));
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: /^Type / }).waitFor();
    await page.keyboard.type(new URL(receiver.url).host);
    await page.keyboard.press('Enter');
    await page.getByText('No webhooks yet').waitFor();
  });
});
