import { readFile } from 'node:fs/promises';
import { toUuid } from '@posthorn/contract';
import { waitFor } from '@posthorn/testing';
import pg from 'pg';
import { describe, expect, inject } from 'vitest';
import { it, keepMessages } from './browser.js';
import { countClicks } from './count-clicks.js';

/** Changes a subscription, or its pending deliveries, as time would. The dispatcher looks at it at once. */
async function change(databaseUrl: string, id: string, changes: { subscription?: string; deliveries?: string }) {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const { subscription, deliveries } = changes;
  if (subscription) await client.query(`UPDATE subscriptions SET ${subscription} WHERE id = $1`, [toUuid('sub', id)]);
  if (deliveries)
    await client.query(`UPDATE pending_deliveries SET ${deliveries} WHERE subscription_id = $1`, [toUuid('sub', id)]);
  await client.query(
    `INSERT INTO due_subscriptions (shard, due_at, subscription_id, account_id)
     SELECT posthorn_shard(account_id), now(), id, account_id FROM subscriptions WHERE id = $1`,
    [toUuid('sub', id)],
  );
  await client.end();
}

/** Adds an event of some time ago to an account, with a failed delivery to its only webhook. */
async function fail(databaseUrl: string, account: string, age: string): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query(
    `WITH added AS (
       INSERT INTO events (id, account_id, type, body, delivery_count, created_at)
       SELECT posthorn_uuid_at(t), $1::varchar, 'message:created', convert_to('{"event":"message:created","payload":{}}', 'utf8'), 1, t
       FROM (SELECT now() - $2::interval AS t) made RETURNING *
     )
     INSERT INTO finished_deliveries
       (id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count, created_at, completed_at)
     SELECT posthorn_delivery_id(e.id), account_id, e.id, type, (SELECT id FROM subscriptions WHERE account_id = $1::varchar),
       'failed', 1, 1, created_at, created_at FROM added e`,
    [account, age],
  );
  await client.end();
}

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

  it('“Retry all that match” of a list without a time range also retries what failed days ago, in three clicks', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    await fail(stack.databaseUrl, account, '3 days');
    await signIn(`/accounts/${account}/deliveries?status=failed`);
    await page.getByRole('row', { name: /Failed/ }).waitFor();
    const clicks = await countClicks(page);
    await page.getByRole('link', { name: 'Retry all that match' }).click();
    await button('Preview').click();
    await see('1 delivery to 1 webhook will be replayed, oldest first, rate-limited.');
    await button('Start replay').click();
    await see('1 of 1 delivered');
    expect(await clicks()).toBe(3);
    expect(endpoint.events).toHaveLength(1);

    await page.goto(`/accounts/${account}/deliveries?status=held`);
    await see('Nothing to retry: held deliveries are sent when you resume their webhook.');
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

  it('exports the filtered events and audit log as NDJSON', async ({ page, stack, signIn, newAccount, button }) => {
    const account = await newAccount();
    const { id } = await stack.publish(account, payloadOf('ada@example.com'));
    await stack.publish(account, payloadOf('bob@example.com'));
    const exported = async () => {
      await button('Export').click();
      const downloading = page.waitForEvent('download');
      await page.getByRole('menuitem', { name: /^NDJSON/ }).click();
      const download = await downloading;
      const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\n');
      return { name: download.suggestedFilename(), rows: lines.map((line) => JSON.parse(line) as { id: string }) };
    };
    await signIn(`/accounts/${account}/events?q=ada`);
    expect(await exported()).toMatchObject({ name: `events-${account}.ndjson`, rows: [{ id, accountId: account }] });
    await page.goto(`/audit?account=${account}&action=accounts.put`);
    expect(await exported()).toMatchObject({
      name: `audit-${account}.ndjson`,
      rows: [{ accountId: account, action: 'accounts.put' }],
    });
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
    await card.getByText(/^1 waits for its next attempt$/).waitFor();
    await card.getByRole('link', { name: 'See the waiting deliveries' }).click();
    await waitFor(() => new URL(page.url()).searchParams.get('status') === 'pending,held');
    await page.getByRole('row', { name: /503/ }).waitFor();
    await page.goto(`/accounts/${account}/subscriptions/${id}`);
    endpoint.respondWith(200);
    await health.getByRole('link', { name: 'Send test' }).click();
    await button('Send test').click();
    await health.waitFor({ state: 'hidden' });
    // Its retry was due in an hour.
    await waitFor(async () => (await stack.delivery(account, published.id)).status === 'succeeded');
  });

  it('after a successful test, shows how many of the waiting deliveries were sent, also after a reload', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    endpoint.respondWith({ status: 503, headers: { 'retry-after': '3600' } });
    const published = [];
    for (const email of ['ada@example.com', 'bob@example.com', 'eve@example.com'])
      published.push(await stack.publish(account, payloadOf(email)));
    for (const one of published) await waitFor(async () => (await stack.delivery(account, one.id)).attemptCount === 1);
    // With a rate limit whose next turn is in an hour, the deliveries become due but are not sent.
    await change(stack.databaseUrl, id, { subscription: `rate_limit = 1, next_slot_at = now() + interval '1 hour'` });
    endpoint.respondWith(200);
    await signIn(`/accounts/${account}/subscriptions/${id}/test`);
    await button('Send test').click();
    await see('Delivered: endpoint returned 200');
    const progress = page.getByRole('status').filter({ hasText: 'The waiting deliveries are being sent' });
    await progress.getByText(/^\d delivered, 0 failed, 3 still waiting$/).waitFor();
    await page.reload();
    await progress.getByText(/^\d delivered, 0 failed, 3 still waiting$/).waitFor();
    await change(stack.databaseUrl, id, { subscription: 'rate_limit = NULL, next_slot_at = NULL' });
    await progress.waitFor({ state: 'detached' });
    for (const one of published)
      await waitFor(async () => (await stack.delivery(account, one.id)).status === 'succeeded');
  });

  it('a webhook that was disabled because it failed shows its error; enabling it offers both replays', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    endpoint.respondWith({ status: 503, headers: { 'retry-after': '3600' } });
    const first = await stack.publish(account, payloadOf('ada@example.com'));
    await waitFor(async () => (await stack.delivery(account, first.id)).attemptCount === 1);
    endpoint.respondWith({ status: 410, body: 'moved away' });
    await stack.publish(account, payloadOf('bob@example.com'));
    await waitFor(async () => (await stack.delivery(account, first.id)).status === 'canceled');
    await signIn(`/accounts/${account}/subscriptions/${id}`);
    const panel = page.getByRole('status').filter({ hasText: 'the endpoint returned 410 Gone' });
    await panel.getByText('moved away', { exact: true }).waitFor();
    await panel.getByText('1 delivery was canceled.').waitFor();
    endpoint.respondWith(200);
    await panel.getByRole('link', { name: 'Send test' }).click();
    await button('Send test').click();
    await see('View delivery');
    await keepMessages(page);
    await panel.getByRole('button', { name: 'Enable' }).click();
    await button('Replay missed events').waitFor();
    await button('Replay failed and canceled').click();
    await button('Preview').click();
    await see(/^2 deliveries to 1 webhook will be replayed/);
  });

  it('a delivery that waits for a working endpoint says so, and names no time in the past', async ({
    page,
    stack,
    endpoint,
    signIn,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    endpoint.respondWith({ status: 503, headers: { 'retry-after': '3600' } });
    const published = await stack.publish(account, payloadOf('ada@example.com'));
    await waitFor(async () => (await stack.delivery(account, published.id)).attemptCount === 1);
    const { id: delivery } = await stack.delivery(account, published.id);
    // As after an hour with an open circuit.
    await change(stack.databaseUrl, id, {
      subscription: `circuit_open_until = now() + interval '9 minutes', failure_streak = 12`,
      deliveries: `due_at = now() - interval '1 hour', leased_until = NULL`,
    });
    await signIn(`/accounts/${account}/deliveries/${delivery}`);
    await page
      .getByText(/^Waiting: the endpoint keeps failing; next attempt in \d min\.$/)
      .first()
      .waitFor();
    await page.getByText('They are sent when an attempt succeeds.').waitFor();
    expect(await page.getByRole('main').innerText()).not.toMatch(/· retry|The next attempt is scheduled/);
  });
});
