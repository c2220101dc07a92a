import { waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

describe.skipIf(inject('browserPath') === null)('what was delivered, in the console', () => {
  it('a delivery that failed: the outcome, what to do about it, and a retry that never says “successful”', async ({
    page,
    stack,
    receiver,
    signIn,
    button,
    see,
  }) => {
    const { account } = await stack.subscribe(receiver.url);
    receiver.answer({ status: 503, body: '<script>document.title = "pwned"</script>\u202etxt' }, 200);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{"n":12345678901234567890}}');
    await waitFor(async () => (await stack.delivery(account, id)).attemptCount === 1);
    await signIn(`/accounts/${account}/deliveries`);
    await page.getByRole('link', { name: 'message:created' }).click();
    await see('The receiver answered 503');
    await see('Read the answer below, mend the receiver, then retry.');
    await see('<script>document.title');
    await see('\\u202e');
    expect(await page.title()).not.toBe('pwned');
    await button('Retry now').click();
    await see('Retry queued.');
    await page.getByRole('heading', { level: 1 }).getByText('Succeeded').waitFor();
    await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Events' }).click();
    await page.getByRole('link', { name: 'message:created' }).click();
    await see('12345678901234567890');
  });

  it('filters stand in the address: reload and back restore them; no match says so and clears', async ({
    page,
    stack,
    receiver,
    signIn,
    button,
    see,
  }) => {
    const { account } = await stack.subscribe(receiver.url);
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await signIn(`/accounts/${account}/deliveries`);
    await page.getByRole('link', { name: 'message:created' }).waitFor();
    await page.getByRole('combobox', { name: 'Status' }).selectOption('failed');
    await see('No deliveries match these filters');
    expect(new URL(page.url()).searchParams.get('status')).toBe('failed');
    await page.reload();
    await see('No deliveries match these filters');
    await button('Clear filters').first().click();
    await page.getByRole('link', { name: 'message:created' }).waitFor();
    await page.goBack();
    await see('No deliveries match these filters');
  });

  it('what comes meanwhile does not move the list: it is counted, live within moments, and shown when it is asked for', async ({
    page,
    stack,
    receiver,
    signIn,
    button,
  }) => {
    const { account } = await stack.subscribe(receiver.url);
    const publish = () => stack.publish(account, '{"event":"message:created","payload":{}}');
    await publish();
    await signIn(`/accounts/${account}/deliveries`);
    const rows = page.getByRole('row').filter({ hasText: 'message:created' });
    await rows.filter({ hasText: 'Succeeded' }).waitFor();
    await button('Live').click();
    await publish();
    await button('1 new').waitFor();
    expect(await rows.count()).toBe(1);
    await button('1 new').click();
    await waitFor(async () => (await rows.count()) === 2);
  });

  it('the overview counts what was delivered; the queues show the worker; the audit log tells who changed what', async ({
    page,
    stack,
    receiver,
    signIn,
  }) => {
    const { account } = await stack.subscribe(receiver.url);
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(() => receiver.events.length === 1);
    await signIn();
    await page.getByRole('img', { name: /^Attempts: [1-9]\d* succeeded/ }).waitFor();
    await page.getByRole('link', { name: 'Queues' }).click();
    await page.getByRole('cell', { name: 'Alive' }).waitFor();
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByRole('cell', { name: 'session.create' }).first().waitFor();
  });

  it('an event that nobody wanted says so', async ({ stack, signIn, see, newAccount }) => {
    const account = await newAccount();
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await signIn(`/accounts/${account}/events`);
    await see('No webhook wanted it');
  });
});
