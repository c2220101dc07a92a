/* oxlint-disable no-empty-pattern -- vitest reads from the pattern which fixtures one needs */
import { toUuid } from '@posthorn/contract';
import { waitFor } from '@posthorn/testing';
import pg from 'pg';
import { Webhook } from 'standardwebhooks';
import type { Page } from 'playwright-core';
import { describe, expect, inject } from 'vitest';
import { startStack } from '../stack.js';
import { it as base, keepMessages } from './browser.js';
import { countClicks } from './count-clicks.js';

/** Two attempts, twelve seconds apart: long enough to be visible, and deliveries still fail soon. */
const it = base.extend('stack', { scope: 'file' }, async ({}, { onCleanup }) => {
  const stack = await startStack({
    backend: inject('queueBackends')[0] ?? 'postgres',
    env: { RETRY_SCHEDULE_SECONDS: '12' },
  });
  onCleanup(() => stack.stop());
  return stack;
});
const EVENT = '{"event":"message:created","payload":{}}';

/** Previews a replay, expects this many deliveries, starts it and waits until all are delivered: two clicks. */
async function replay(page: Page, count: number): Promise<void> {
  await page.getByRole('button', { name: 'Preview' }).click();
  await page
    .getByRole('status')
    .filter({ hasText: new RegExp(`^${count} deliver(y|ies) to .* will be replayed, oldest first, rate-limited\\.$`) })
    .waitFor();
  await page.getByRole('button', { name: 'Start replay' }).click();
  await page.getByText(`${count} of ${count} delivered`).waitFor();
  await page.getByRole('heading', { level: 1 }).getByText('Completed').waitFor();
}

/** Adds deliveries of an event to other webhooks, before its only one. */
async function addDeliveries(databaseUrl: string, event: string, count: number): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query(
    `INSERT INTO finished_deliveries
       (id, account_id, event_id, event_type, subscription_id, status, attempt_count, failure_count, created_at, completed_at)
     SELECT (left(d.id::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, account_id, event_id, event_type, posthorn_uuidv7(), status, 1, 0, created_at, completed_at
     FROM finished_deliveries d, generate_series(1, $2::int) n WHERE d.event_id = $1`,
    [toUuid('evt', event), count],
  );
  await client.end();
}

describe.skipIf(inject('browserPath') === null)('retries and replays', () => {
  it('a failed delivery shows its next attempt, and the same page shows that it succeeds', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    // The next attempt is so late that the page can be read first.
    endpoint.respondWith({ status: 503, headers: { 'retry-after': '3000' } }, 200);
    const { id } = await stack.publish(account, EVENT);
    const { id: delivery } = await waitFor(async () => {
      const attempted = await stack.delivery(account, id);
      return attempted.attemptCount === 1 && attempted;
    });
    await signIn(`/accounts/${account}/deliveries/${delivery}`);
    await page
      .getByRole('listitem')
      .filter({ hasText: 'Next attempt: 2 of' })
      .getByText(/in \d+ min/)
      .waitFor();
    await button('Retry now').click();
    await page.getByRole('heading', { level: 1 }).getByText('Succeeded').waitFor();
    expect(endpoint.events).toHaveLength(2);
  });

  it('a replay sends the failed deliveries that its preview counted, not the successful one', async ({
    page,
    stack,
    endpoint,
    signIn,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    await stack.publish(account, EVENT);
    await waitFor(() => endpoint.events.length === 1);
    endpoint.respondWith(500);
    const failing = await Promise.all([1, 2, 3].map(() => stack.publish(account, EVENT)));
    const failed = () => stack.call<{ data: unknown[] }>('GET', `/v1/accounts/${account}/deliveries?status=failed`);
    await waitFor(async () => (await failed()).data.length === 3);
    endpoint.respondWith(200);
    await signIn(`/accounts/${account}/subscriptions/${id}`);
    const before = endpoint.events.length;
    const clicks = await countClicks(page);
    await page.getByRole('navigation', { name: 'Webhook' }).getByRole('link', { name: 'Replay' }).click();
    await replay(page, 3);
    expect(await clicks()).toBe(3);
    await waitFor(() => endpoint.events.length === before + 3);
    const again = endpoint.events.slice(before).map(({ headers }) => headers['webhook-id']);
    expect(again.toSorted()).toEqual(failing.map(({ id: event }) => event).toSorted());
  });

  it('events published while a webhook was disabled are replayed as missed events after it is enabled', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    const act = async (name: string) => {
      await button(/^Actions for/).click();
      await page.getByRole('menuitem', { name }).click();
    };
    await signIn(`/accounts/${account}/subscriptions/${id}/replay`);
    await act('Disable');
    await see('Disabled manually');
    const missed = await Promise.all([1, 2].map(() => stack.publish(account, EVENT)));
    expect(missed.map(({ deliveries }) => deliveries)).toEqual([0, 0]);
    await act('Enable');
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.getByRole('radio', { name: /^Missed events/ }).check();
    await replay(page, 2);
    await waitFor(() => endpoint.events.length === 2);
    expect(endpoint.events.map(({ headers }) => headers['webhook-id']).toSorted()).toEqual(
      missed.map(({ id: event }) => event).toSorted(),
    );
  });

  it('a filtered list of deliveries is replayed in three clicks', async ({ page, stack, endpoint, signIn }) => {
    const { account } = await stack.subscribe(endpoint.url);
    endpoint.respondWith(500);
    await Promise.all([1, 2].map(() => stack.publish(account, EVENT)));
    const failed = () => stack.call<{ data: unknown[] }>('GET', `/v1/accounts/${account}/deliveries?status=failed`);
    await waitFor(async () => (await failed()).data.length === 2);
    endpoint.respondWith(200);
    await signIn(`/accounts/${account}/deliveries?status=failed`);
    await page.getByRole('link', { name: 'Retry all that match' }).click();
    await replay(page, 2);
    await page.getByRole('link', { name: 'See the deliveries' }).click();
    expect(await page.getByRole('combobox', { name: 'Replay' }).inputValue()).toMatch(/^rpl_/);
    await page.getByRole('row').filter({ hasText: 'Succeeded' }).nth(1).waitFor();
  });

  it('a list filtered by HTTP status, trigger and text is replayed with these filters; pending deliveries need none', async ({
    page,
    stack,
    endpoint,
    signIn,
    see,
  }) => {
    const { account, id: webhook } = await stack.subscribe(endpoint.url);
    endpoint.respondWith(503);
    const { id } = await stack.publish(account, '{"event":"message:created","payload":{"email":"ada@example.com"}}');
    await stack.publish(account, EVENT);
    const failed = () => stack.call<{ data: unknown[] }>('GET', `/v1/accounts/${account}/deliveries?status=failed`);
    await waitFor(async () => (await failed()).data.length === 2);
    endpoint.respondWith(200);
    const before = endpoint.events.length;
    await signIn(`/accounts/${account}/deliveries?statusCode=5xx&trigger=auto&q=ada%40example`);
    await page.getByRole('row').nth(1).waitFor();
    await page.getByRole('link', { name: 'Retry all that match' }).click();
    await see(/searches a few hundred payloads per second/);
    expect(await page.getByRole('combobox', { name: 'HTTP status' }).inputValue()).toBe('5xx');
    expect(await page.getByRole('combobox', { name: 'Last attempt' }).inputValue()).toBe('auto');
    await replay(page, 1);
    await see('ada@example');
    await see('5xx');
    await waitFor(() => endpoint.events.length === before + 1);
    expect(endpoint.events.at(-1)?.headers['webhook-id']).toBe(id);
    await page.goto(`/accounts/${account}/deliveries?status=pending`);
    await see(/^Nothing to retry/);
    expect(await page.getByRole('link', { name: 'Retry all that match' }).count()).toBe(0);
    // The endpoint of the other delivery has closed, so the next test must not replay it.
    await stack.call('DELETE', `/v1/accounts/${account}/subscriptions/${webhook}`);
  });

  it('an operator replays the failed deliveries of all accounts in four clicks', async ({
    page,
    stack,
    endpoint,
    signIn,
  }) => {
    const accounts = [(await stack.subscribe(endpoint.url)).account, (await stack.subscribe(endpoint.url)).account];
    endpoint.respondWith(500);
    await Promise.all(accounts.map((account) => stack.publish(account, EVENT)));
    for (const account of accounts) {
      const path = `/v1/accounts/${account}/deliveries?status=failed`;
      await waitFor(async () => (await stack.call<{ data: unknown[] }>('GET', path)).data.length === 1);
    }
    endpoint.respondWith(200);
    const failed = await stack.call<{ matched: number }>('POST', '/v1/replays', {
      which: 'failed',
      since: '2020-01-01T00:00:00Z',
      dryRun: true,
    });
    await signIn('/');
    const clicks = await countClicks(page);
    await page.getByRole('link', { name: 'Replays' }).click();
    await page.getByRole('link', { name: 'Replay deliveries' }).click();
    await replay(page, failed.matched);
    expect(await clicks()).toBe(4);
    // Its progress by account, with links to its deliveries of each.
    const [account = ''] = accounts;
    const row = page.getByRole('row').filter({ hasText: account });
    await row.getByRole('cell').nth(2).getByText('1', { exact: true }).waitFor();
    await row.getByRole('link', { name: account }).click();
    expect(await page.getByRole('combobox', { name: 'Replay' }).inputValue()).toMatch(/^rpl_/);
    await page.getByRole('row').filter({ hasText: 'Succeeded' }).first().waitFor();
  });

  it('an event is sent again to a webhook that received it, and to one that was added later', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    const { id } = await stack.publish(account, EVENT);
    await waitFor(() => endpoint.events.length === 1);
    await stack.subscribe(`${endpoint.url}later`, { account });
    await addDeliveries(stack.databaseUrl, id, 100);
    await signIn(`/accounts/${account}/events/${id}`);
    // The event has only its oldest deliveries.
    await page.getByText('Showing the oldest 100 of 101.').waitFor();
    await button('Send to webhooks').click();
    const choices = page.getByRole('checkbox');
    await choices.nth(1).waitFor();
    for (const index of [0, 1]) await choices.nth(index).check();
    const send = page.getByRole('dialog').getByRole('button', { name: 'Send', exact: true });
    // The part for the later webhook fails. A repetition sends only that part.
    const isFirst = (body: { which?: string } | null) => body?.which === 'missed';
    await page.route('**/replays', (route) =>
      isFirst(route.request().postDataJSON() as { which?: string } | null)
        ? route.fulfill({ status: 503, json: { title: 'The database is not responding.' } })
        : route.continue(),
    );
    await send.click();
    await page.getByRole('alert').getByText('The database is not responding.').waitFor();
    await waitFor(() => endpoint.events.length === 2);
    await page.unrouteAll();
    await keepMessages(page);
    await send.click();
    await page.getByText('Event queued for 1 webhook.', { exact: true }).waitFor();
    await waitFor(() => endpoint.events.length === 3);
    const paths = endpoint.events.map(({ path }) => path);
    expect(paths.toSorted()).toEqual(['/webhook', '/webhook', '/webhooklater']);
    expect(new Set(endpoint.events.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]));
  });

  it('after a rotation, both secrets sign until the shown time; a revoked secret no longer signs', async ({
    page,
    stack,
    endpoint,
    signIn,
    button,
    see,
  }) => {
    const { account, id, secret: first } = await stack.subscribe(endpoint.url);
    const secretNow = async () =>
      (await stack.call<{ secret: string }>('GET', `/v1/accounts/${account}/subscriptions/${id}/secret`)).secret;
    /** Which of these secrets sign the next request. */
    const signing = async (secrets: string[]): Promise<boolean[]> => {
      const before = endpoint.events.length;
      await stack.publish(account, EVENT);
      const { rawBody, headers } = await waitFor(() => endpoint.events[before]);
      return secrets.map((secret) => {
        try {
          new Webhook(secret).verify(rawBody.toString(), headers);
          return true;
        } catch {
          return false;
        }
      });
    };
    const rotate = async (overlap: string) => {
      await button('Rotate secret…').click();
      await page.getByRole('combobox', { name: 'Keep the old secret valid for' }).selectOption(overlap);
      await page.getByRole('dialog').getByRole('button', { name: 'Rotate secret' }).click();
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
    };
    await signIn(`/accounts/${account}/subscriptions/${id}/settings`);
    await rotate('1 hour');
    const second = await secretNow();
    await see(second);
    await see(/Old secret, valid until/);
    await see(first);
    expect(await signing([first, second])).toEqual([true, true]);

    await rotate('Revoke now (it may have leaked)');
    expect(await signing([second, await secretNow()])).toEqual([false, true]);
  });
});
