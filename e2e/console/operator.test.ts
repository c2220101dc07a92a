import { waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

describe.skipIf(inject('browserPath') === null)('the operator’s screens', () => {
  it('webhooks that need attention are named, each with why, since when, and one act that mends it', async ({
    page,
    stack,
    receiver,
    signIn,
    button,
    newAccount,
  }) => {
    const account = await newAccount();
    receiver.answerHandshake({ body: '{"ok":true}' });
    const { id } = await stack.call<{ id: string }>('POST', `/v1/accounts/${account}/subscriptions`, {
      url: receiver.url,
    });
    const path = `/v1/accounts/${account}/subscriptions/${id}`;
    const verification = async () =>
      (await stack.call<{ verification: { status: string } }>('GET', path)).verification.status;
    await waitFor(async () => (await verification()) === 'failed');

    await signIn();
    const row = page.getByRole('row').filter({ hasText: account });
    await row.getByRole('cell', { name: 'Unverified' }).waitFor();
    await row.getByText('answer with the payload itself').waitFor();
    receiver.answerHandshake(({ challenge }) => ({ body: challenge ?? '' }));
    await row.getByRole('button', { name: 'Verify again' }).click();
    await row.waitFor({ state: 'detached' });
    expect(await verification()).toBe('verified');

    receiver.answer({ status: 410 });
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await row.getByRole('cell', { name: 'Disabled · gone' }).waitFor();
    await button('Enable').click();
    await row.waitFor({ state: 'detached' });
  });
});
