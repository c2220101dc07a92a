import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';
import { countClicks } from './count-clicks.js';

describe.skipIf(inject('browserPath') === null)('clicks of a customer in the portal', () => {
  it('adds a first webhook and sees its test delivered in three clicks', async ({
    page,
    stack,
    endpoint,
    newAccount,
    button,
    see,
  }) => {
    const account = await newAccount();
    const { url } = await stack.call<{ url: string }>('POST', `/v1/accounts/${account}/portal-sessions`, {});
    await page.goto(url);
    await button('Add webhook URL').waitFor();
    const clicks = await countClicks(page);
    await button('Add webhook URL').click();
    // The dialog opens with the focus in its first field.
    await page.keyboard.type(endpoint.url);
    await button('Save').click();
    await button('Send test').click();
    await see('Delivered: endpoint returned 200');
    expect(endpoint.events).toHaveLength(1);
    expect(await clicks()).toBe(3);
  });

  it('finds the cause of a failure in one click, and retries the delivery in two more', async ({
    page,
    stack,
    endpoint,
    button,
    see,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const cause = '{"error":"column orders.total does not exist"}';
    // No retry comes before the person's: Retry-After counts with 503.
    const headers = { 'content-type': 'application/json', 'retry-after': '3600' };
    endpoint.respondWith({ status: 503, body: cause, headers });
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    const { url } = await stack.call<{ url: string }>('POST', `/v1/accounts/${account}/portal-sessions`, {});
    await page.goto(url);
    const webhook = page.getByRole('row').getByRole('link', { name: /127/ });
    await webhook.waitFor();
    const clicks = await countClicks(page);
    await webhook.click();
    await see(/^Last error: Endpoint returned 503/);
    await see(cause);
    expect(await clicks()).toBe(1);
    endpoint.respondWith(200);
    await page.getByRole('link', { name: 'See this attempt' }).click();
    await button('Retry now').click();
    await see('Delivered: endpoint returned 200');
    expect(await clicks()).toBe(3);
  });
});
