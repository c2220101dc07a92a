/* oxlint-disable no-empty-pattern -- vitest reads from the pattern which fixtures one needs */
import { describe, expect, inject } from 'vitest';
import { startStack } from '../stack.js';
import { it as base } from './browser.js';

/** A stack without any account. */
const it = base.extend('stack', { scope: 'file' }, async ({}, { onCleanup }) => {
  const stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres' });
  onCleanup(() => stack.stop());
  return stack;
});

describe.skipIf(inject('browserPath') === null)('a new installation', () => {
  it('first run: sign in, add an account, add a root URL, see it verified, send a test, see it delivered (C1, C9)', async ({
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
    await page.getByRole('link', { name: 'Go to accounts' }).click();
    await button('Add account').first().click();
    await page.getByRole('textbox', { name: 'ID' }).fill('first-run');
    await page.getByRole('dialog').getByRole('button', { name: 'Add account' }).click();
    await see('No webhooks yet');
    await save(endpoint.url.replace('/webhook', ''));
    await see('Verified!');
    await button('Send test').click();
    await see('Delivered: endpoint returned 200');
    expect(endpoint.events).toHaveLength(1);
    await button('Reveal secret').click();
    await see(/^whsec_[A-Za-z0-9+/]{20,}/);
    await button('Done').click();
    await page.getByRole('cell', { name: 'Active' }).waitFor();
  });
});
