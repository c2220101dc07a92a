/* oxlint-disable no-empty-pattern -- vitest reads from the pattern which fixtures one needs */
import { describe, expect, inject } from 'vitest';
import { startStack } from '../stack.js';
import { it as base } from './browser.js';
import { countClicks } from './count-clicks.js';

/** A stack without any account. */
const it = base.extend('stack', { scope: 'file' }, async ({}, { onCleanup }) => {
  const stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres' });
  onCleanup(() => stack.stop());
  return stack;
});

describe.skipIf(inject('browserPath') === null)('a new installation', () => {
  it('first run: sign in; five clicks add an account and a root URL, and show its test as delivered (C1, C9)', async ({
    page,
    stack,
    endpoint,
    button,
    see,
    save,
  }) => {
    await page.goto('/');
    await page.getByLabel('Operator key or account key').fill(stack.operatorKey);
    await button('Sign in').click();
    await button('Add account').waitFor();
    const clicks = await countClicks(page);
    await button('Add account').click();
    await page.getByRole('dialog').waitFor();
    // The dialog opens with the focus in its first field.
    await page.keyboard.type('first-run');
    await page.getByRole('dialog').getByRole('button', { name: 'Add account' }).click();
    await see('No webhooks yet');
    await save(endpoint.url.replace('/webhook', ''));
    await see('Verified!');
    await button('Send test').click();
    await see('Delivered: endpoint returned 200');
    expect(endpoint.events).toHaveLength(1);
    expect(await clicks()).toBe(5);
    await button('Reveal secret').click();
    await see(/^whsec_[A-Za-z0-9+/]{20,}/);
    await button('Done').click();
    await page.getByRole('cell', { name: 'Active' }).waitFor();
  });
});
