import { waitFor } from '@posthorn/testing';
import pg from 'pg';
import { describe, expect, inject } from 'vitest';
import type { Stack } from '../stack.js';
import { it } from './browser.js';

/** Adds unverified webhooks that subscribe to another type. */
const ADD_WEBHOOKS = `INSERT INTO subscriptions (id, account_id, url, events)
  SELECT posthorn_uuidv7(), $1, 'https://hooks.example.com/' || n, '{conversation:updated}' FROM generate_series(1, $2::int) n`;

/** Repeats the last attempt of an account's only, finished delivery up to a number of attempts. */
const REPEAT_ATTEMPTS = `WITH repeated AS (
    UPDATE finished_deliveries SET attempt_count = $2::int WHERE account_id = $1
  ), latest AS (
    SELECT * FROM attempts WHERE account_id = $1 ORDER BY number DESC LIMIT 1
  )
  INSERT INTO earlier_attempts
  SELECT (jsonb_populate_record(NULL::earlier_attempts, to_jsonb(a) || jsonb_build_object('id', posthorn_uuidv7(), 'number', n))).*
  FROM latest a, generate_series(a.number, $2::int - 1) n`;

/** Adds deliveries to an account's only webhook. The oldest has another type. */
const ADD_DELIVERIES = `INSERT INTO finished_deliveries
    (id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count, created_at, completed_at)
  SELECT posthorn_uuid_at(t), $1::varchar, posthorn_uuid_at(t), CASE n WHEN 1 THEN 'conversation:created' ELSE 'message:created' END,
    (SELECT id FROM subscriptions WHERE account_id = $1::varchar), 'succeeded', 1, 0, t, t
  FROM (SELECT n, date_trunc('second', now()) - interval '1 hour' + n * interval '100 ms' AS t FROM generate_series(1, $2::int) n) made`;

/** Writes at once what would take minutes over the API. */
async function write(stack: Stack, statement: string, values: [account: string, count: number]): Promise<void> {
  const client = new pg.Client(stack.databaseUrl);
  await client.connect();
  try {
    await client.query(statement, values);
  } finally {
    await client.end();
  }
}

describe.skipIf(inject('browserPath') === null)('deliveries in the console', () => {
  it('a failed delivery shows its outcome and its fix; a retry never claims success before the result', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    // Prevents an automatic second attempt during the test.
    const headers = { 'retry-after': '3600' };
    endpoint.respondWith({ status: 503, headers, body: '<script>document.title = "pwned"</script>\u202etxt' }, 200);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{"n":12345678901234567890}}');
    await waitFor(async () => (await stack.delivery(account, id)).attemptCount === 1);
    await signIn(`/accounts/${account}/deliveries`);
    await page.getByRole('link', { name: 'message:created' }).click();
    await see('Endpoint returned 503 (expected 2xx)');
    await see('Find the error in the log of the endpoint at the time of this attempt and fix it. Then retry.');
    await see('<script>document.title');
    await see('\\u202e');
    expect(await page.title()).not.toBe('pwned');
    await button('Retry now').click();
    await see('Retry queued.');
    await page.getByRole('dialog').getByText('Succeeded · 200').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Events' }).click();
    // The list of deliveries has a link with the same name.
    await page.getByRole('heading', { name: 'Events', level: 1 }).waitFor();
    await page.getByRole('link', { name: 'message:created' }).click();
    await see('12345678901234567890');
  });

  it('a delivery opens beside its list with its own address; back and reload restore it, Esc returns the focus', async ({
    page,
    context,
    stack,
    endpoint,
    signIn,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await signIn(`/accounts/${account}/deliveries?range=24h`);
    const link = page.getByRole('link', { name: 'message:created' });
    const drawer = page.getByRole('dialog', { name: 'Delivery' });
    await link.click();
    await drawer.getByText('Delivered: endpoint returned 200').waitFor();
    const { pathname } = new URL(page.url());
    expect(pathname).toMatch(/\/deliveries\/dlv_\w+$/);

    await page.reload();
    await drawer.getByText('Delivered: endpoint returned 200').waitFor();
    expect(await page.getByRole('heading', { name: 'Deliveries', level: 1 }).count()).toBe(1);
    // Its row takes the focus only if the list has loaded by then.
    await waitFor(() => page.evaluate(`document.getElementById('${pathname.split('/').at(-1)}') !== null`));
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'hidden' });
    expect(new URL(page.url()).search).toBe('?range=24h');
    // The dialog returns the focus first, then the row takes it.
    await waitFor(async () => (await page.evaluate('document.activeElement.textContent')) === 'message:created');
    await page.goBack();
    await drawer.waitFor();

    const alone = await context.newPage();
    await alone.goto(page.url());
    await alone.getByRole('heading', { level: 1, name: 'message:created' }).waitFor();
    expect(await alone.getByRole('dialog').count()).toBe(0);
  });

  it('on a phone, a delivery opens as a page', async ({ page, stack, endpoint }) => {
    const { account } = await stack.subscribe(endpoint.url);
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`/accounts/${account}/deliveries`);
    await page.getByLabel('Operator key or account key').fill(stack.operatorKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'message:created' }).click();
    await page.getByRole('heading', { level: 1, name: 'message:created' }).waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  it('shows each attempt of a delivery with its request and response, and the time of the next one', async ({
    page,
    stack,
    endpoint,
    signIn,
    see,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    endpoint.respondWith(
      { status: 503, headers: { 'retry-after': '3600', 'x-from': 'the endpoint' }, body: 'busy' },
      200,
    );
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{"n":1.50}}');
    await waitFor(async () => (await stack.delivery(account, id)).attemptCount === 1);
    await signIn(`/accounts/${account}/deliveries/${(await stack.delivery(account, id)).id}`);
    await see('Next attempt: 2 of 12');
    await page.getByRole('row', { name: /2 Next/ }).waitFor();
    await page.getByLabel('response headers').getByText('x-from: the endpoint').waitFor();
    await page.getByRole('tab', { name: 'Response · 503' }).press('ArrowRight');
    await page.getByLabel('request headers').getByText('webhook-signature').waitFor();
    await page.getByLabel('request body').getByText('"n": 1.50').waitFor();
    await page.getByRole('button', { name: 'Retry now' }).click();
    await see('Delivered: endpoint returned 200');
    await page.getByRole('button', { name: 'Attempt 1' }).click();
    await see('Endpoint returned 503 (expected 2xx)');

    await write(stack, REPEAT_ATTEMPTS, [account, 200]);
    await page.reload();
    await page.getByRole('button', { name: 'Attempt 200' }).waitFor();
    expect(await page.getByRole('button', { name: /^Attempt \d+$/ }).count()).toBe(100); // the last 100
    await page.getByRole('button', { name: 'Attempt 200' }).click();
    await see('Delivered: endpoint returned 200');
    await page.getByRole('button', { name: 'Attempt 101', exact: true }).waitFor();
  });

  it('cuts a long string, and shows all of it on request, without widening the page', async ({
    page,
    stack,
    signIn,
    button,
    see,
    newAccount,
  }) => {
    const account = await newAccount();
    const [start, end] = ['{"word":"', ' the end"}'];
    const payload = start + 'x'.repeat(256 * 1024 - start.length - end.length) + end;
    const { id } = await stack.publish(account, `{"event":"message:created","payload":${payload}}`);
    await signIn(`/accounts/${account}/events/${id}`);
    const row = page.getByRole('treeitem', { name: '"word"' });
    await row.getByText(/more characters$/).waitFor();
    expect((await row.innerText()).length).toBeLessThan(400);
    await row.press('Enter');
    await row.getByText('the end').waitFor();
    expect(JSON.parse(`{${await row.innerText()}}`)).toEqual(JSON.parse(payload));
    await button('Raw').click();
    await see('Showing the first 16 of 256 KiB.');
    const shown = page.getByLabel('the payload', { exact: true });
    expect((await shown.innerText()).length).toBe(16 * 1024);
    await button('Show all').click();
    await shown.getByText('the end').waitFor();
    expect(await shown.innerText()).toBe(payload);
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 844 });
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    }
  });

  it('a time range is in the address, a custom one too; its inputs are in the chosen time zone', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
    showTimesIn,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await signIn(`/accounts/${account}/deliveries`);
    await page.getByRole('combobox', { name: 'Time' }).selectOption('Custom range');
    await page.getByRole('link', { name: 'message:created' }).waitFor();
    await showTimesIn('UTC');
    await page.getByLabel('From', { exact: true }).fill('2020-01-01T03:04');
    await page.getByLabel('To', { exact: true }).fill('2020-01-02T03:04');
    await see('No deliveries match these filters');
    const { searchParams } = new URL(page.url());
    expect([searchParams.get('range'), searchParams.get('to')]).toEqual([null, '2020-01-02T03:04:00.000Z']);
    await page.reload();
    expect(await page.getByLabel('To', { exact: true }).inputValue()).toBe('2020-01-02T03:04');
    await button('Time zone: UTC').first().waitFor();
    await showTimesIn('Asia/Tokyo');
    expect(await page.getByLabel('To', { exact: true }).inputValue()).toBe('2020-01-02T12:04');
  });

  it('filters are in the address: reload and back restore them; a list without a match offers to clear them', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
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
    await page.goto(`/accounts/${account}/deliveries?status=succeeded&limit=50`);
    await button('Count').click();
    await see('1 in total');
  });

  it('a rare filter searches in steps: shows how far back it has searched and continues on request', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    await write(stack, ADD_DELIVERIES, [account, 1_500]);
    await signIn(`/accounts/${account}/deliveries?eventType=conversation:created`);
    await see('No deliveries match these filters so far');
    await see('Searched back to');
    await button('Search further').click();
    await page.getByRole('link', { name: 'conversation:created' }).waitFor();
  });

  it('new deliveries do not move the list: they are counted, live, and shown on request', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
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

  it('the overview counts deliveries, the queues show the worker, the audit log shows who changed what', async ({
    page,
    stack,
    endpoint,
    signIn,
    showTimesIn,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(() => endpoint.events.length === 1);
    await signIn();
    await page.getByRole('img', { name: /^Attempts: [1-9]\d* succeeded/ }).waitFor();
    await page.getByRole('combobox', { name: 'Time' }).selectOption('Custom range');
    await showTimesIn('UTC');
    await page.getByLabel('To', { exact: true }).fill(new Date(Date.now() - 7_200_000).toISOString().slice(0, 16));
    await page.getByText('No attempts in this time range.').first().waitFor();
    await page.reload();
    await page.getByText('No attempts in this time range.').first().waitFor();
    await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Queues' }).click();
    await page.getByRole('cell', { name: 'Running' }).waitFor();
    expect(await page.getByRole('link', { name: 'Open Bull Board' }).getAttribute('href')).toBe('./board');
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByRole('cell', { name: 'Signed in' }).first().waitFor();
  });

  it('an event without subscribers says so, and any webhook can be subscribed, even the oldest of more than a page', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url, { events: ['conversation:created'] });
    await write(stack, ADD_WEBHOOKS, [account, 100]);
    await stack.publish(account, '{"event":"message:created","payload":{}}');
    await signIn(`/accounts/${account}/deliveries`);
    await see('No deliveries yet');
    await page.getByRole('link', { name: 'View events' }).click();
    await see('No webhook subscribed');
    await page.getByRole('link', { name: 'message:created' }).click();
    await button('Subscribe a webhook').click();
    await page.getByRole('radio').first().waitFor();
    expect(await page.getByRole('radio').count()).toBe(101); // a page has 100 at most
    await page.getByRole('radio').last().check();
    await page.getByRole('dialog').getByRole('button', { name: 'Subscribe', exact: true }).click();
    await see('Webhook subscribed to message:created.');
    expect(await stack.call('GET', `/v1/accounts/${account}/subscriptions/${id}`)).toMatchObject({
      events: ['conversation:created', 'message:created'],
    });
  });

  it('before the first event, the list of deliveries shows how to publish one, with a key limited to that', async ({
    page,
    stack,
    signIn,
    button,
    see,
    newAccount,
  }) => {
    const account = await newAccount();
    await signIn(`/accounts/${account}/deliveries`);
    await see('No events yet');
    await button('Create a key for publishing').click();
    await see('you will not see it again');
    const [, key] = /'(phk_[^']+)'/.exec(await page.getByText(/^export POSTHORN_API_KEY=/).innerText()) ?? [];
    const command = await page.getByLabel('the request in curl', { exact: true }).innerText();
    const [, url, body] = /^curl -X POST (\S+) [^]*-d '([^']+)'/.exec(command) ?? [];
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    expect((await fetch(url ?? '', { method: 'POST', headers, body: body ?? '' })).status).toBe(202);
    expect((await fetch(`${stack.apiUrl}/v1/accounts/${account}/events`, { headers })).status).toBe(403);
  });

  it('a webhook’s overview shows outcomes by status code and event type, and a bar opens the deliveries of its time', async ({
    page,
    stack,
    endpoint,
    signIn,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    endpoint.respondWith(503, 200);
    const first = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(async () => (await stack.delivery(account, first.id)).attemptCount === 1);
    await stack.publish(account, '{"event":"conversation:created","payload":{}}');
    await waitFor(() => endpoint.events.length >= 2);
    await signIn(`/accounts/${account}/subscriptions/${id}?range=1h`);
    await see(/HTTP error: 1/);
    await page.getByRole('table', { name: 'By status code' }).getByRole('row', { name: '503' }).waitFor();
    await page
      .getByRole('table', { name: 'By event type' })
      .getByRole('row', { name: /conversation:created/ })
      .waitFor();
    await page.getByRole('img', { name: /^Response time/ }).waitFor();
    await page.getByRole('img', { name: /^Attempts/ }).press('ArrowLeft');
    await page.getByRole('img', { name: /^Attempts/ }).press('Enter');
    await page.getByRole('link', { name: 'message:created' }).waitFor();
    const { pathname, searchParams } = new URL(page.url());
    expect(pathname).toBe(`/accounts/${account}/subscriptions/${id}/deliveries`);
    expect(Date.parse(searchParams.get('to') ?? '') - Date.parse(searchParams.get('from') ?? '')).toBeGreaterThan(0);
  });
});
