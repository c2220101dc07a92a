import { Posthorn } from '@posthorn/client';
import { BROWSER_ARGS } from '@posthorn/testing';
import { pino } from 'pino';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, inject } from 'vitest';
import { buildApp } from './app.js';
import { openChat } from './chat.js';
import { openKeyring } from './keyring.js';

const WAIT_MS = 120_000; // only reached if the condition never becomes true
const executablePath = inject('browserPath');

// The page while Posthorn's API is away: nothing listens on port 1. With the API it is tested end to end.
const posthorn = new Posthorn({ url: 'http://127.0.0.1:1', apiKey: 'kR7wQz3XvB9mLp2TnY5cHd8sFg', maxAttempts: 1 });
let url = '';
const { app, setProgress } = buildApp({
  posthorn,
  apiUrl: 'http://127.0.0.1:1',
  findBoardUrl: () => null,
  account: 'demo',
  keyring: openKeyring(posthorn, () => `${url}/webhook`),
  openChat: (onChange) =>
    openChat({
      participants: {
        accountId: 'a',
        inboxId: 'i',
        customer: { id: 'c', name: 'Joe', email: 'j', externalId: 'x', createdAt: new Date(0), updatedAt: new Date(0) },
        agent: { id: 1, displayName: 'Alex', email: 'a', createdAt: new Date(0) },
      },
      publish: (event) => posthorn.publish('demo', event),
      onChange,
    }),
  endpointUrl: () => `${url}/webhook`,
  log: pino({ level: 'silent' }),
});

describe.skipIf(executablePath === null)('the page', () => {
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    url = await app.listen({ host: '127.0.0.1', port: 0 });
    browser = await chromium.launch({
      ...(executablePath && { executablePath }),
      args: BROWSER_ARGS,
    });
    page = await browser.newPage({ viewport: { width: 360, height: 740 } });
    page.setDefaultTimeout(WAIT_MS);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on(
      'console',
      (message) => void (/Content Security Policy/.test(message.text()) && complaints.push(message.text())),
    );
    page.on(
      'request',
      (request) => void (request.url().startsWith(url) || complaints.push(`requested ${request.url()}`)),
    );
    await page.goto(url);
  });
  afterAll(async () => {
    await browser?.close();
    await app.close();
  });

  const shows = (text: string | RegExp) => page.getByText(text).first().waitFor();

  test('shows its progress, then a problem, then success', async () => {
    await shows('Waiting for Posthorn’s API…');
    setProgress({ step: 'subscribing', problem: 'The attempt failed.', delivered: null });
    await shows('The attempt failed.');
    const delivered = {
      event: 'message:created',
      deliveryId: 'dlv_1',
      eventId: 'evt_1',
      signature: 'valid',
      ms: 6.4,
    } as const;
    setProgress({ step: 'ready', problem: null, delivered });
    await shows('It works: the first message:created arrived 7 ms after it was published. Its signature is valid.');
  });

  test('empty lists say so, and the deliveries show why they could not be loaded', async () => {
    await shows('No messages yet. Write one below.');
    await shows('No requests yet.');
    await shows('The API at http://127.0.0.1:1 is not responding.');
  });

  test('Enter sends a message; a failed one shows why and can be retried; text is never HTML', async () => {
    await page.getByLabel('Message', { exact: true }).fill('<img src=x onerror="document.title=1">');
    await page.keyboard.press('Enter');
    await page.locator('.bubble', { hasText: '<img src=x onerror="document.title=1">' }).waitFor();
    await shows(/message:created · not published: The API at .* is not responding\./);
    await page.getByRole('button', { name: 'Try again' }).first().click();
    await shows(/not published/);
  });

  test('shows each request to the endpoint, with its signature and response', async () => {
    const body = '{"event":"message:created","payload":{}}';
    await fetch(`${url}/webhook`, { method: 'POST', body, headers: { 'webhook-id': 'evt_from_nowhere' } });
    await shows('evt_from_nowhere');
    await shows('signature invalid');
    await shows(/returned 401 in/);
  });

  test('times are in the chosen zone, whole after a click, and stay so', async () => {
    const delivery = {
      id: 'dlv_1',
      event: 'message:created',
      status: 'succeeded',
      attempts: [],
      createdAt: '2026-07-01T12:00:05.400Z',
      payload: {},
    };
    await page.route('**/deliveries.json', (route) =>
      route.fulfill({ json: { subscription: { id: 'sub_1', status: 'active' }, deliveries: [delivery] } }),
    );
    const time = page.locator('.delivery').getByRole('time');
    await page.getByRole('button', { name: 'Time zone: Local time' }).click();
    await page.getByLabel('Time zone', { exact: true }).selectOption('Asia/Tokyo');
    await page.getByRole('button', { name: 'Done' }).click();
    await time.getByText('21:00:05', { exact: true }).waitFor();
    await time.click();
    await time.getByText('1 Jul 2026, 21:00:05 GMT+9').waitFor();

    await page.reload();
    await time.getByText('1 Jul 2026, 21:00:05 GMT+9').waitFor();
    const received = page.locator('.received').getByRole('time').first();
    expect(await received.innerText()).toMatch(/:\d\d GMT\+9$/);
    await page.getByRole('button', { name: 'Time zone: Asia/Tokyo' }).click();
    await page.getByLabel('Time zone', { exact: true }).selectOption('UTC');
    await page.getByRole('checkbox', { name: 'Exact times' }).uncheck();
    await page.getByRole('button', { name: 'Done' }).click();
    await time.getByText('12:00:05', { exact: true }).waitFor();
    expect(await time.getAttribute('title')).toBe('1 Jul 2026, 12:00:05 UTC');
    await page.unroute('**/deliveries.json');
  });

  test('the response mode applies to all open pages', async () => {
    await page.getByText('Fail 500').click();
    await shows(/^Returns 500/);
    const other = await browser.newPage();
    other.setDefaultTimeout(WAIT_MS);
    await other.goto(url);
    await other.getByText(/^Returns 500/).waitFor();
    await other.close();
  });

  test.each([360, 1280])('no element is wider than the window at %i px', async (width) => {
    await page.setViewportSize({ width, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  });

  test('causes no errors, no policy violations and no requests to other servers', () => {
    expect(complaints).toEqual([]);
  });
});
