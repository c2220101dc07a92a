import { findFreePort } from '@posthorn/embedded';
import { waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { startStack } from '../stack.js';
import { it as base } from './browser.js';
import { findings } from './findings.js';
import { startBoard } from './start-pages.js';

// A stack whose board knows the operator key, as in the local stack.
const it = base
  .extend('boardUrl', { scope: 'file' }, async () => `http://127.0.0.1:${await findFreePort()}`)
  .extend('stack', { scope: 'file' }, async ({ boardUrl }, { onCleanup }) => {
    const [backend = 'postgres'] = inject('queueBackends');
    const stack = await startStack({ backend, env: { POSTHORN_BOARD_URL: boardUrl } });
    const stopBoard = await startBoard(stack, boardUrl);
    onCleanup(async () => {
      await stopBoard();
      await stack.stop();
    });
    return stack;
  });

describe.skipIf(inject('browserPath') === null)('Bull Board', () => {
  it('one sign-in link opens the console and Bull Board, whose sign-in page has no violations for axe', async ({
    page,
    stack,
    boardUrl,
  }) => {
    const { url } = await stack.call<{ url: string }>('POST', '/v1/sign-in-links');
    await page.goto(url);
    await page.getByRole('navigation', { name: 'Console' }).waitFor();
    await page.goto(boardUrl);
    expect(new URL(page.url()).pathname).toBe('/login');
    const link = page.getByRole('link', { name: 'Sign in with the console' });
    await link.waitFor();
    expect(await findings(page)).toEqual([]);
    await link.click();
    await page.waitForURL(`${boardUrl}/`);
    await page.getByText('Posthorn queues').first().waitFor();
  });

  it('asks for a sign-in first, then continues to the board', async ({ page, stack, boardUrl, button }) => {
    await page.goto(`${stack.apiUrl}/board`);
    await page.getByLabel('Operator key or account key').fill(stack.operatorKey);
    await button('Sign in').click();
    await page.waitForURL(`${boardUrl}/`);
  });

  it('leads from a job to its delivery, and from a delivery to its job', async ({
    page,
    context,
    stack,
    endpoint,
    signIn,
    boardUrl,
  }) => {
    const { account } = await stack.subscribe(endpoint.url);
    endpoint.respondWith({ status: 503, headers: { 'retry-after': '3600' } });
    const { id: event } = await stack.publish(account, '{"event":"message:created","payload":{}}');
    await waitFor(async () => (await stack.delivery(account, event)).attemptCount === 1);
    const { id } = await stack.delivery(account, event);
    await signIn(`/accounts/${account}/deliveries/${id}`);
    const [board] = await Promise.all([
      context.waitForEvent('page'),
      page.getByRole('link', { name: 'Job in Bull Board' }).click(),
    ]);
    // The second attempt has a job in the queue of retries, since it is delayed.
    await board.waitForURL(`${boardUrl}/queue/retry/${id}-2`);
    const link = board.getByRole('link', { name: 'Open the delivery' }).first();
    await link.waitFor();
    await board.goto((await link.getAttribute('href')) ?? '');
    await board.waitForURL(`${stack.apiUrl}/accounts/${account}/deliveries/${id}`);

    const unknown = `dlv_${'0'.repeat(26)}`;
    await board.goto(`${boardUrl}/deliveries/${unknown}?attempt=1`);
    await board.getByRole('heading', { name: 'No job found' }).waitFor();
    await board.goto(`${stack.apiUrl}/deliveries/${id},${unknown}`);
    await board.getByRole('row', { name: new RegExp(`Pending.*${account}`) }).waitFor();
    await board.getByRole('row', { name: /Not found/ }).waitFor();
  });
});
