import { readFile } from 'node:fs/promises';
import { waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

const payloadOf = (email: string) => `{"event":"message:created","payload":{"email":"${email}"}}`;

describe.skipIf(inject('browserPath') === null)('many deliveries, in the console', () => {
  it('filters by outcome, HTTP status and a text of the payload; the address has the filters', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    endpoint.respondWith({ status: 503, headers: { 'retry-after': '3600' } }, 200);
    const failed = await stack.publish(account, payloadOf('ada@example.com'));
    await waitFor(async () => (await stack.delivery(account, failed.id)).attemptCount === 1);
    const { id } = await stack.publish(account, payloadOf('bob@example.com'));
    await waitFor(async () => (await stack.delivery(account, id)).status === 'succeeded');
    await signIn(`/accounts/${account}/deliveries`);
    const rows = page.getByRole('table').getByRole('row');
    const shows = (count: number) => waitFor(async () => (await rows.count()) === count + 1); // with its head
    const inAddress = (name: string) => new URL(page.url()).searchParams.get(name);
    await shows(2);

    await button('More filters').click();
    await page.getByRole('combobox', { name: 'HTTP status' }).selectOption('5xx');
    await shows(1);
    expect(inAddress('statusCode')).toBe('5xx');
    await page.getByRole('textbox', { name: 'Exact HTTP status' }).fill('404');
    await page.keyboard.press('Enter');
    await see('No deliveries match these filters');
    await page.getByRole('textbox', { name: 'Exact HTTP status' }).fill('503');
    await page.keyboard.press('Enter');
    await shows(1);
    await page.getByRole('combobox', { name: 'Outcome' }).selectOption('http_error');
    await waitFor(() => inAddress('outcome') === 'http_error');
    await page.reload();
    await shows(1);
    await page.getByRole('combobox', { name: 'HTTP status' }).waitFor();
    await button('Clear filters').click();
    await shows(2);

    const search = page.getByRole('textbox', { name: 'Search' });
    await search.fill('bob@example');
    await page.keyboard.press('Enter');
    await shows(1);
    await page.getByRole('row', { name: /Succeeded/ }).waitFor();
    await search.fill(failed.id);
    await page.keyboard.press('Enter');
    await page.getByRole('row', { name: /503/ }).waitFor();
    await shows(1);
  });

  it('selects the deliveries of a page and retries them', async ({ page, stack, endpoint, signIn, button, see }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const published = [];
    for (const email of ['ada@example.com', 'bob@example.com'])
      published.push(await stack.publish(account, payloadOf(email)));
    for (const { id } of published)
      await waitFor(async () => (await stack.delivery(account, id)).status === 'succeeded');
    await signIn(`/accounts/${account}/deliveries`);
    await page
      .getByRole('checkbox', { name: /^Select message:created/ })
      .first()
      .check();
    await see('1 selected');
    await page.getByRole('checkbox', { name: 'Select this page' }).click();
    await see('2 selected');
    await button('Retry selected').click();
    await see('2 retries queued.');
    for (const { id } of published) await waitFor(async () => (await stack.delivery(account, id)).attemptCount === 2);
    expect(await page.getByText('selected').count()).toBe(0);
  });

  it('exports the filtered deliveries as CSV', async ({ page, stack, endpoint, signIn, button }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const { id } = await stack.publish(account, payloadOf('ada@example.com'));
    await waitFor(async () => (await stack.delivery(account, id)).status === 'succeeded');
    await stack.publish(account, payloadOf('bob@example.com'));
    await signIn(`/accounts/${account}/deliveries?q=ada`);
    await button('Export').click();
    const downloading = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: /^CSV/ }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe(`deliveries-${account}.csv`);
    const [head, line, ...more] = (await readFile(await download.path(), 'utf8')).split('\r\n');
    expect(head).toMatch(/^id,account_id,event_id/);
    expect(line).toContain(id);
    expect(more).toEqual(['']);
  });

  it('a failing webhook shows its error and its waiting deliveries, which are sent after a successful test', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    endpoint.respondWith({ status: 503, headers: { 'retry-after': '3600' }, body: 'disk full\nsecond line' });
    const published = await stack.publish(account, payloadOf('ada@example.com'));
    await waitFor(async () => (await stack.delivery(account, published.id)).attemptCount === 1);
    await signIn(`/accounts/${account}/subscriptions/${id}`);
    const health = page.getByRole('status').filter({ hasText: 'Every attempt has failed since' });
    await health.getByText('503').waitFor();
    await health.getByText('disk full', { exact: true }).waitFor();
    await health.getByText(/Waiting: 1 \(oldest/).waitFor();
    await health.getByRole('link', { name: 'See this attempt' }).click();
    await see('second line');
    await page.goBack();
    await page.goto(`/accounts/${account}/integrations`);
    const card = page.getByRole('region', { name: 'Waiting' });
    await card.getByText(/^1 \(oldest/).waitFor();
    await card.getByRole('link', { name: /^1 waits for its next attempt$/ }).click();
    await waitFor(() => new URL(page.url()).searchParams.get('status') === 'pending');
    await page.getByRole('row', { name: /503/ }).waitFor();
    await page.goto(`/accounts/${account}/subscriptions/${id}`);
    endpoint.respondWith(200);
    await health.getByRole('link', { name: 'Send test' }).click();
    await button('Send test').click();
    await health.waitFor({ state: 'hidden' });
  });
});
