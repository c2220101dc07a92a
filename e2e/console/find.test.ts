import { toTypeId, toUuid } from '@posthorn/contract';
import { waitFor } from '@posthorn/testing';
import pg from 'pg';
import type { Page } from 'playwright-core';
import { describe, expect, inject } from 'vitest';
import { it as base } from './browser.js';

const it = base
  /** A name that no other test uses. */
  .extend('unique', () => `u${crypto.randomUUID().slice(0, 8)}`)
  .extend('webhook', ({ stack }) => async (account: string, url: string, description?: string): Promise<string> => {
    const body = { url, ...(description !== undefined && { description }) };
    return (await stack.call<{ id: string }>('POST', `/v1/accounts/${account}/subscriptions`, body)).id;
  })
  .extend('menu', ({ page }) => ({
    dialog: page.getByRole('dialog', { name: 'Search' }),
    input: page.getByRole('dialog').getByRole('combobox'),
    options: page.getByRole('dialog').getByRole('option'),
    async open(): Promise<void> {
      await page.keyboard.press('Control+k');
      await page.getByRole('dialog', { name: 'Search' }).waitFor();
    },
  }));

const isFocused = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name }).evaluate((element) => element.matches(':focus'));

describe.skipIf(inject('browserPath') === null)('search and the command menu', () => {
  it('finds accounts by the beginning of their id or name; the search is in the address', async ({
    page,
    stack,
    signIn,
    button,
    unique,
    see,
  }) => {
    for (const [id, name] of [
      [`${unique}-a`, 'Some name'],
      [`other-${unique}`, `${unique.toUpperCase()} Limited`],
      [`third-${unique}`, 'Another'],
    ])
      await stack.call('PUT', `/v1/accounts/${id}`, { name });
    await signIn('/accounts');
    await page.getByRole('textbox', { name: 'Search' }).fill(unique);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.search === `?q=${unique}`);
    await page.getByRole('link', { name: `${unique}-a` }).waitFor();
    await page.getByRole('link', { name: `third-${unique}` }).waitFor({ state: 'detached' });
    await page.reload();
    await page.getByRole('link', { name: `other-${unique}` }).waitFor();
    expect(await page.getByRole('row').count()).toBe(3);
    await page.getByRole('textbox', { name: 'Search' }).fill(`${unique}-none`);
    await page.keyboard.press('Enter');
    await see('No accounts match these filters');
    await button('Clear filters').last().click();
    await page.waitForURL((url) => url.search === '');
  });

  it('suggests accounts for a replay by the beginning of their id or name, also after a comma', async ({
    page,
    stack,
    signIn,
    unique,
  }) => {
    const ids = [`${unique}-a`, `other-${unique}`];
    for (const id of ids) await stack.call('PUT', `/v1/accounts/${id}`, { name: `${unique.toUpperCase()} Limited` });
    await signIn('/replays/new');
    const input = page.getByRole('combobox', { name: 'Accounts' });
    const suggested = () =>
      input.evaluate(({ list }: HTMLInputElement) => [...(list?.options ?? [])].map(({ value }) => value));
    await input.pressSequentially(unique);
    await waitFor(async () => (await suggested()).length === 2);
    expect((await suggested()).toSorted()).toEqual(ids.toSorted());
    await input.fill(`acme, ${unique}-`);
    await waitFor(async () => (await suggested()).join() === `acme, ${ids[0]}`);
    await input.fill(ids.join(', '));
    await input.press('Enter');
    await page.waitForURL((url) => url.searchParams.get('accounts') === ids.join(', '));
  });

  it('finds the webhooks of an account by URL and description, and by status', async ({
    page,
    signIn,
    newAccount,
    webhook,
    see,
  }) => {
    const account = await newAccount();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await webhook(account, `https://${name}.example/hook`);
    await webhook(account, 'https://crm.example/orders', 'Billing of orders');
    await signIn(`/accounts/${account}/integrations`);
    const rows = page.getByRole('row');
    const search = async (text: string) => {
      await page.getByRole('textbox', { name: 'Search' }).fill(text);
      await page.keyboard.press('Enter');
    };
    await search('https://CRM.');
    await waitFor(async () => (await rows.count()) === 2);
    await page.getByRole('link', { name: 'crm.example/orders' }).waitFor();
    await search('b');
    await waitFor(async () => (await rows.count()) === 3);
    await page.getByRole('combobox', { name: 'Status' }).selectOption('Active');
    await see('No webhooks match these filters');
    expect(new URL(page.url()).search).toBe('?q=b&status=active');
  });

  it('sorts webhooks by how long their deliveries wait; the order is in the address', async ({
    page,
    stack,
    endpoint,
    signIn,
    webhook,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    await webhook(account, 'https://newer.example/hook');
    endpoint.respondWith(503);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(async () => (await stack.delivery(account, id)).attemptCount >= 1);
    await signIn(`/accounts/${account}/integrations?sort=waiting`);
    const first = page.getByRole('row').nth(1);
    await first
      .filter({ hasText: new URL(endpoint.url).host })
      .getByText(/^1 waiting/)
      .waitFor();
    await page.getByRole('combobox', { name: 'Order' }).selectOption('Newest first');
    await first.filter({ hasText: 'newer.example' }).waitFor();
    expect(new URL(page.url()).search).toBe('');
  });

  it('sorts all webhooks of an account by success rate, not only the newest ones', async ({
    page,
    stack,
    endpoint,
    signIn,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    await client.query(
      `INSERT INTO subscriptions (id, account_id, url, status)
       SELECT posthorn_uuidv7(), $1, 'https://hooks.example/' || n, 'unverified' FROM generate_series(1, 120) n`,
      [account],
    );
    await client.query(
      `INSERT INTO stat_deltas (account_id, subscription_id, event_type, at, count, outcome)
       VALUES ($1, $2, 'message:created', date_bin('1 minute', now(), 'epoch'), 3, 'timeout')`,
      [account, toUuid('sub', id)],
    );
    await client.end();
    await signIn(`/accounts/${account}/integrations?sort=success`);
    const first = page.getByRole('row').nth(1);
    await first
      .filter({ hasText: new URL(endpoint.url).host })
      .getByText('0.0 %')
      .waitFor();
    await page.getByRole('button', { name: 'Next page' }).click();
    await page.waitForURL(/cursor=/);
    await first.filter({ hasText: 'hooks.example/' }).waitFor();
    expect(await page.getByText(/are sorted/).count()).toBe(0);

    await page.route(/\/subscriptions\?/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), sortedNewest: 5_000 } });
    });
    await page.reload();
    await see('Only the newest 5,000 webhooks are sorted.');
  });

  it('opens pages, accounts, webhooks of all accounts and any ID, by keyboard', async ({
    page,
    stack,
    endpoint,
    signIn,
    see,
    unique,
    webhook,
    menu,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    const event = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(() => endpoint.events.length === 1);
    const delivery = await stack.delivery(account, event.id);
    await stack.call('PUT', `/v1/accounts/${unique}`, { name: `Name of ${unique}` });
    const other = await webhook(unique, `https://${unique}.example/hook`);
    await signIn('/queues');
    for (const [text, path] of [
      [id, `/accounts/${account}/subscriptions/${id}`],
      [event.id, `/accounts/${account}/events/${event.id}`],
      [delivery.id, `/accounts/${account}/deliveries/${delivery.id}`],
      [account, `/accounts/${account}/integrations`],
      [`NAME OF ${unique}`, `/accounts/${unique}/integrations`],
      [`${unique}.example/h`, `/accounts/${unique}/subscriptions/${other}`],
      ['audit', '/audit'],
    ] as const) {
      await menu.open();
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.pathname === path);
      await menu.dialog.waitFor({ state: 'hidden' });
    }
    await menu.open();
    await page.keyboard.type(toTypeId('dlv', crypto.randomUUID()));
    await see(/^Nothing found/);
    await page.keyboard.press('Enter');
    expect(await menu.options.count()).toBe(0);
  });

  it('arrow keys move through the results while the focus stays in the input; Escape returns it to where it was', async ({
    page,
    signIn,
    button,
    menu,
  }) => {
    await signIn('/queues');
    await button(/^Search/).focus();
    await page.keyboard.press('Enter');
    await menu.dialog.waitFor();
    const chosen = async () => {
      const option = menu.dialog.getByRole('option', { selected: true });
      expect(await menu.input.getAttribute('aria-activedescendant')).toBe(await option.getAttribute('id'));
      expect(await menu.input.evaluate((element) => element.matches(':focus'))).toBe(true);
      return option.textContent();
    };
    expect(await chosen()).toBe('Overview');
    await page.keyboard.press('ArrowDown');
    expect(await chosen()).toBe('Accounts');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    expect(await chosen()).toBe('Event catalogue');
    await page.keyboard.press('Escape');
    await menu.dialog.waitFor({ state: 'hidden' });
    expect(await isFocused(page, /^Search/)).toBe(true);

    await page.setViewportSize({ width: 390, height: 844 });
    await button(/^Search/).click();
    await menu.options.filter({ hasText: 'Settings' }).click();
    await page.waitForURL((url) => url.pathname === '/settings');
  });

  it('shows the user of a portal only what their token may open', async ({
    page,
    stack,
    endpoint,
    unique,
    webhook,
    menu,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const mine = await webhook(account, `https://${unique}.example/mine`);
    await stack.call('PUT', `/v1/accounts/${unique}`, {});
    const theirs = await webhook(unique, `https://${unique}.example/theirs`);
    const event = await stack.publish(account, '{"event":"message:created","payload":{}}');
    const portal = async (capabilities: string[]) => {
      const { url } = await stack.call<{ url: string }>('POST', `/v1/accounts/${account}/portal-sessions`, {
        capabilities,
      });
      await page.goto('about:blank');
      await page.goto(url);
      await page.getByRole('navigation', { name: 'Console' }).waitFor();
      await menu.open();
    };
    const search = async (text: string) => {
      await menu.input.fill(text);
      await waitFor(async () => (await menu.dialog.getByRole('status').textContent()) !== 'Searching…');
      return menu.options.allTextContents();
    };
    await portal(['subscriptions:read']);
    expect(await menu.options.allTextContents()).not.toContain('Accounts');
    const found = await search(unique);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain('mine');
    expect(await search(theirs)).toEqual([]);
    expect(await search(event.id)).toEqual([]);
    expect(await search(mine)).toHaveLength(1);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname === `/portal/accounts/${account}/subscriptions/${mine}`);

    await portal(['events:read']);
    expect(await search(unique)).toEqual([]);
    expect(await search(event.id)).toHaveLength(1);
  });
});

describe.skipIf(inject('browserPath') === null)('small things for operators', () => {
  it('creates a key with exactly the chosen scopes, at least one', async ({
    page,
    stack,
    signIn,
    button,
    newAccount,
    see,
  }) => {
    const account = await newAccount();
    await signIn(`/accounts/${account}/keys`);
    await button('Create key').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('CI');
    for (const box of await dialog.getByRole('checkbox').all()) await box.uncheck();
    await dialog.getByRole('button', { name: 'Create key' }).click();
    await see('Choose at least one.');
    await dialog.getByRole('checkbox', { name: 'Publish events' }).check();
    await dialog.getByRole('checkbox', { name: 'See webhooks' }).check();
    await dialog.getByRole('button', { name: 'Create key' }).click();
    await see('Copy it now; you will not see it again.');
    const { data } = await stack.call<{ data: { scopes: string[] }[] }>('GET', `/v1/accounts/${account}/keys`);
    expect(data.map(({ scopes }) => scopes)).toEqual([['events:write', 'subscriptions:read']]);
  });

  it('the audit log says what was done to which object, and filters by it', async ({
    page,
    stack,
    endpoint,
    signIn,
    see,
  }) => {
    const { account, id } = await stack.subscribe(`${endpoint.url}?token=hush`);
    await stack.call('POST', `/v1/accounts/${account}/subscriptions/${id}/secret/rotate`, {});
    await stack.call('POST', `/v1/accounts/${account}/keys`, { name: 'Nightly' });
    await signIn(`/audit?account=${account}`);
    const shown = endpoint.url.replace(/\?.*$/, '');
    await page.getByRole('cell', { name: `Rotated the signing secret of ${shown}` }).waitFor();
    await page.getByRole('cell', { name: 'Created API key Nightly' }).waitFor();
    await page.getByRole('cell', { name: `Saved account ${account}` }).waitFor();
    expect(await page.content()).not.toContain('hush');
    await page.getByRole('combobox', { name: 'Action' }).selectOption('Rotated the signing secret of a webhook');
    await page.waitForURL((url) => url.searchParams.get('action') === 'subscriptions.rotateSecret');
    await page.getByRole('cell', { name: /^Created API key/ }).waitFor({ state: 'detached' });
    await page
      .getByRole('cell', { name: /^Rotated/ })
      .getByRole('link')
      .click();
    await page.waitForURL((url) => url.pathname === `/accounts/${account}/subscriptions/${id}`);
    await see('Active');
  });

  it('remembers the theme, and applies it before anything is shown', async ({ page, context, signIn }) => {
    await signIn('/queues');
    const scheme = (of: Page) => of.evaluate('getComputedStyle(document.documentElement).colorScheme');
    await page.getByRole('combobox', { name: 'Theme' }).selectOption('Dark theme');
    expect(await scheme(page)).toBe('dark');
    const again = await context.newPage();
    // The theme at the moment when there is something to paint.
    await again.addInitScript(`new MutationObserver((_, observer) => {
      if (!document.body) return;
      window.firstTheme = document.documentElement.dataset.theme ?? 'none';
      observer.disconnect();
    }).observe(document, { childList: true, subtree: true })`);
    await again.goto('/settings');
    expect(await again.evaluate('window.firstTheme')).toBe('dark');
    expect(await again.getByRole('combobox', { name: 'Theme' }).inputValue()).toBe('dark');
    await again.getByRole('combobox', { name: 'Theme' }).selectOption('System theme');
    await again.goto('/queues');
    expect(await again.evaluate('window.firstTheme')).toBe('none');
    // Other tabs follow.
    await waitFor(async () => (await scheme(page)) === 'light dark');
  });
});
