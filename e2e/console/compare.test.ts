import { waitFor } from '@posthorn/testing';
import { describe, inject } from 'vitest';
import { it } from './browser.js';

describe.skipIf(inject('browserPath') === null)('comparing in the console', () => {
  it('compares two attempts: what changed in the request and in the response', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const headers = { 'retry-after': '3600', 'content-type': 'application/json' };
    endpoint.respondWith({ status: 503, headers, body: '{"ok":false,"reason":"busy","n":12345678901234567890}' }, 200);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(async () => (await stack.delivery(account, id)).attemptCount === 1);
    endpoint.respondWith({ status: 200, headers, body: '{"ok":true,"n":12345678901234567891}' });
    const delivery = await stack.delivery(account, id);
    // The timestamp in the headers has seconds.
    const second = () => Math.floor(Date.now() / 1_000);
    const first = second();
    await waitFor(() => second() > first);
    await stack.call('POST', `/v1/accounts/${account}/deliveries/${delivery.id}/retry`);
    await waitFor(async () => (await stack.delivery(account, id)).attemptCount === 2);

    await signIn(`/accounts/${account}/deliveries`);
    await page.getByRole('link', { name: 'message:created' }).click();
    const drawer = page.getByRole('dialog', { name: 'Delivery' });
    await drawer.getByRole('heading', { name: 'Attempt 2' }).waitFor();
    await button('Compare with…').press('Enter');
    await page.getByRole('menuitem', { name: 'Attempt 1 · 503' }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Attempts 1 and 2' });
    const request = dialog.getByRole('group', { name: 'Differences of the request headers' });
    await request.getByText(/^Removed: .*webhook-timestamp/).waitFor();
    await dialog.getByText('Both sent the same body').waitFor();
    const response = dialog.getByRole('group', { name: 'Differences of the response headers' });
    await response.getByText('Removed: 503').waitFor();
    await response.getByText('Added: 200').waitFor();
    const body = dialog.getByRole('group', { name: 'Differences of the response body' });
    await body.getByText('Removed: "reason": "busy"').waitFor();
    await body.getByText('Added: "n": 12345678901234567891').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await drawer.waitFor();
    await see('Attempt 2');
  });

  it('compares two events of a list: "Compare with…" on one, then the other, across filters', async ({
    page,
    stack,
    signIn,
    button,
    newAccount,
  }) => {
    const account = await newAccount();
    const publish = (event: string, payload: string) =>
      stack.publish(account, `{"event":"${event}","payload":${payload}}`);
    const first = await publish('message:created', '{"id":1,"text":"Hello","tags":["a"]}');
    await publish('conversation:created', '{"id":1,"text":"Hallo","tags":["a"],"late":true}');

    await signIn(`/accounts/${account}/events/${first.id}`);
    await page.getByRole('link', { name: 'Compare with…' }).click();
    await page.getByText('Choose an event to compare with').waitFor();
    await button('Cancel').click();
    await button(/^Actions for message:created/).click();
    await page.getByRole('menuitem', { name: 'Compare with…' }).click();
    await page.getByText('Choose an event to compare with').waitFor();
    await page.getByRole('combobox', { name: 'Event type' }).selectOption('conversation:created');
    await button('Compare with conversation:created').click();
    const dialog = page.getByRole('dialog', { name: 'Compare events' });
    const diff = dialog.getByRole('group', { name: 'Differences of the payload' });
    await diff.getByText('Removed: "text": "Hello"').waitFor();
    await diff.getByText('Added: "text": "Hallo"').waitFor();
    await diff.getByText('Added: "late": true').waitFor();
    await page.reload();
    await diff.getByText('Added: "late": true').waitFor();
    await page.keyboard.press('Escape');
    await button('Actions for conversation:created').waitFor();
  });

  it('compares the largest payloads, however different, without rendering all of their lines', async ({
    page,
    stack,
    signIn,
    button,
    newAccount,
  }) => {
    const account = await newAccount();
    const publish = (digit: number) =>
      stack.publish(account, `{"event":"message:created","payload":{"list":[${`${digit},`.repeat(131_000)}0]}}`);
    const [a, b] = [await publish(1), await publish(2)];
    await signIn(`/accounts/${account}/events?compare=${a.id}&with=${b.id}`);
    await page.getByText('131,000 removed, 131,000 added').waitFor();
    await button('Show 130,700 more lines').first().click();
    await button('Show 130,400 more lines').first().waitFor();
  });
});
