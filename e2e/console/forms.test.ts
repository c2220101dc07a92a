import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

describe.skipIf(inject('browserPath') === null)('the small forms of the console', () => {
  it('each says beside its input what is missing, and sends nothing', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
    baseURL,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url, { events: ['message:created'] });
    const [matched, unmatched] = await Promise.all(
      ['message:created', 'conversation:created'].map((event) =>
        stack.publish(account, JSON.stringify({ event, payload: {} })),
      ),
    );
    // The page has buttons with longer names that start alike.
    const inDialog = (name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true });
    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET') sent.push(`${request.method()} ${request.url()}`);
    });
    await page.goto('/');
    await button('Sign in').click();
    await see('Enter a value.');
    await signIn(`/accounts/${account}/events/${unmatched?.id}`);
    await button('Subscribe a webhook').click();
    await inDialog('Subscribe').click();
    await see('Choose a webhook.');
    await page.goto(`/accounts/${account}/events/${matched?.id}`);
    await button('Send to webhooks').click();
    await page.getByRole('checkbox').first().waitFor();
    await inDialog('Send').click();
    await see('Choose a webhook.');
    await page.goto(`/accounts/${account}/subscriptions/${id}/settings`);
    await button('Delete webhook…').click();
    await page.getByRole('textbox', { name: /^Type / }).fill('example.com');
    await inDialog('Delete webhook').click();
    await see(/^Type .* exactly\.$/);
    expect(sent.filter((one) => one.startsWith(`POST ${baseURL}/v1/accounts`))).toEqual([]);
    expect(sent.filter((one) => !one.startsWith('POST'))).toEqual([]);
  });
});
