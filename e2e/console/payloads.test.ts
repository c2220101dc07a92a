import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

/** What JavaScript's own JSON would change: long numbers, keys that look like numbers, a repeated key, half a surrogate pair. */
const ODD = String.raw`{"b":12345678901234567890,"1":1.50,"user":{"name":"Zo\u00eb","name":"Zoë","half":"\ud83d"},"tags":[]}`;

describe.skipIf(inject('browserPath') === null)('a payload in the console', () => {
  it('shows numbers, keys and their order as they were sent, also raw, copied and downloaded', async ({
    page,
    context,
    stack,
    signIn,
    button,
    newAccount,
  }) => {
    const account = await newAccount();
    const { id } = await stack.publish(account, `{"event":"message:created","payload":${ODD}}`);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await signIn(`/accounts/${account}/events/${id}`);
    const tree = page.getByRole('tree', { name: 'the payload' });
    await tree.getByText('12345678901234567890').waitFor();
    expect((await tree.getByRole('treeitem').allInnerTexts()).map((text) => text.replaceAll('\n', ' '))).toEqual([
      '{ 4 keys',
      '"b": 12345678901234567890',
      '"1": 1.50',
      '"user": { 3 keys',
      '"name": "Zoë"',
      '"name": "Zoë"',
      String.raw`"half": "\ud83d"`,
      '"tags": []',
    ]);

    await button('Raw').click();
    expect(await page.getByLabel('the payload', { exact: true }).innerText()).toBe(ODD);
    await button('Copy the payload').click();
    await waitFor(async () => (await page.evaluate('navigator.clipboard.readText()')) === ODD);

    const [download] = await Promise.all([page.waitForEvent('download'), button('Download the payload').click()]);
    expect(download.suggestedFilename()).toBe(`${id}.json`);
    expect(await readFile(await download.path(), 'utf8')).toBe(ODD);
  });

  it('“Copy as curl” sends the same request from a shell, also with quotes in the URL and the body', async ({
    page,
    context,
    stack,
    endpoint,
    signIn,
    button,
  }) => {
    const { account } = await stack.subscribe(`${endpoint.url}/it's'$(exit)`);
    const { id } = await stack.publish(account, `{"event":"message:created","payload":{"text":"it's $HOME"}}`);
    const { id: delivery } = await waitFor(async () => {
      const one = await stack.delivery(account, id);
      return one.status === 'succeeded' && one;
    });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await signIn(`/accounts/${account}/deliveries/${delivery}`);
    await button('Copy as curl').click();
    const command = await waitFor(async () => {
      const text = String(await page.evaluate('navigator.clipboard.readText()'));
      return text.includes(`webhook-id: ${id}`) && text;
    });
    await promisify(execFile)('sh', ['-c', command]);
    const [first, second] = endpoint.events;
    expect(endpoint.events).toHaveLength(2);
    expect([second?.path, String(second?.rawBody)]).toEqual([first?.path, String(first?.rawBody)]);
  });

  it('finds a text in a long payload, also in folded parts; Enter goes to the next match', async ({
    page,
    stack,
    signIn,
    newAccount,
  }) => {
    const account = await newAccount();
    const items = Array.from({ length: 300 }, (_, index) => ({ sku: `SKU-${index}`, lines: [{ color: 'red' }] }));
    const payload = JSON.stringify({ order: { items } });
    const { id } = await stack.publish(account, `{"event":"message:created","payload":${payload}}`);
    await signIn(`/accounts/${account}/events/${id}`);
    const find = page.getByRole('searchbox', { name: 'Find in the payload' });
    const status = (text: string) => page.getByRole('status').filter({ hasText: text }).waitFor();
    await find.fill('sku-29');
    await status('1 of 11');
    await page.getByRole('treeitem', { name: '"sku": "SKU-29"' }).waitFor();
    await find.press('Enter');
    await status('2 of 11');
    const row = page.getByRole('treeitem', { name: '"sku": "SKU-290"' });
    await row.waitFor();
    expect((await row.boundingBox())?.y).toBeLessThan(900);
    await find.fill('nowhere');
    await status('Not found');
  });

  it('folds and unfolds with the keyboard and the mouse, and one stop of Tab is enough', async ({
    page,
    stack,
    signIn,
    button,
    newAccount,
  }) => {
    const account = await newAccount();
    const payload = JSON.stringify({ id: 1, user: { name: 'Ann', address: { city: 'Oslo' } }, last: true });
    const { id } = await stack.publish(account, `{"event":"message:created","payload":${payload}}`);
    await signIn(`/accounts/${account}/events/${id}`);
    const row = (name: string | RegExp) => page.getByRole('treeitem', { name });
    const focused = () => page.evaluate<string>('document.activeElement.innerText.split("\\n")[0]');
    await row(/city/).waitFor();
    await row(/^\{/).focus();
    for (const [key, text] of [
      ['ArrowDown', '"id": 1'],
      ['ArrowDown', '"user": {'],
      ['ArrowRight', '"name": "Ann"'],
      ['End', '"last": true'],
      ['ArrowUp', '"city": "Oslo"'],
      ['ArrowLeft', '"address": {'],
      ['ArrowLeft', '"address": {…}'],
      ['ArrowLeft', '"user": {'],
      ['Enter', '"user": {…}'],
      ['ArrowRight', '"user": {'],
      ['*', '"user": {'],
      ['Home', '{'],
    ] as const) {
      await page.keyboard.press(key);
      await waitFor(async () => (await focused()).startsWith(text));
    }
    expect(await row(/city/).count()).toBe(0); // address is still folded
    expect(await row(/"address"/).getAttribute('aria-expanded')).toBe('false');
    expect(await row(/"address"/).getAttribute('aria-level')).toBe('3');
    await row(/"address"/).click();
    await row(/city/).waitFor();
    await button('Collapse all').click();
    expect(await page.getByRole('treeitem').count()).toBe(4);
    await button('Expand all').click();
    await row(/city/).waitFor();
    await button('Download the payload').focus();
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('{ 3 keys');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.role')).not.toBe('treeitem');
  });

  it.for([
    ['long lists', `{"list":[${'1,'.repeat(131_000)}1]}`],
    ['deep nesting', `{"list":${'['.repeat(998)}${']'.repeat(998)}}`],
    ['many objects', `{"list":[${'{"a":[{"b":1}]},'.repeat(16_000)}0]}`],
  ] as const)(
    'renders only a part of the largest payloads: %s',
    async ([, payload], { page, stack, signIn, newAccount, button }) => {
      const account = await newAccount();
      const { id } = await stack.publish(account, `{"event":"message:created","payload":${payload}}`);
      await signIn(`/accounts/${account}/events/${id}`);
      const rows = page.getByRole('treeitem');
      await rows.first().waitFor();
      expect(await rows.count()).toBeLessThan(210);
      await button('Expand all').click();
      await waitFor(async () => (await rows.count()) >= 102);
      expect(await rows.count()).toBeLessThan(2_300);
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 844 });
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      }
    },
  );

  it('shows a long list in portions, and the focus moves to the first new row', async ({
    page,
    stack,
    signIn,
    newAccount,
  }) => {
    const account = await newAccount();
    const list = JSON.stringify(Array.from({ length: 250 }, (_, index) => `item ${index}`));
    const { id } = await stack.publish(account, `{"event":"message:created","payload":{"list":${list}}}`);
    await signIn(`/accounts/${account}/events/${id}`);
    await page.getByRole('treeitem', { name: '"list"' }).click();
    const more = page.getByRole('treeitem', { name: 'Show 100 more of 150' });
    await more.waitFor();
    await more.click();
    await page.getByRole('treeitem', { name: 'item 100' }).waitFor();
    await page.getByRole('treeitem', { name: 'Show 50 more of 50' }).waitFor();
  });

  it('shows a body that is not JSON as text', async ({ page, stack, endpoint, signIn, button }) => {
    const { account } = await stack.subscribe(endpoint.url);
    endpoint.respondWith({ status: 200, body: '<h1>Hello</h1>' });
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(async () => (await stack.delivery(account, id)).attemptCount === 1);
    await signIn(`/accounts/${account}/deliveries/${(await stack.delivery(account, id)).id}`);
    await page.getByLabel('response body', { exact: true }).getByText('<h1>Hello</h1>').waitFor();
    expect(await button('Raw').count()).toBe(0);
    await button('Download response body').waitFor();
  });
});
