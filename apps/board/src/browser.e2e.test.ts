import { openProducer } from '@posthorn/jobs';
import { signBoardTicket } from '@posthorn/lifecycle';
import { BROWSER_ARGS, cloneDatabase } from '@posthorn/testing';
import { pino } from 'pino';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { buildApp } from './app.js';

const WAIT_MS = 120_000; // only reached if the condition never becomes true
const executablePath = inject('browserPath');
const log = pino({ level: 'silent' });
const OPERATOR_KEY = 'the-operator-key-of-this-test';
const DELIVERY = '01890000-0000-7000-8000-000000000001';

describe.skipIf(executablePath === null)('in a browser', () => {
  const undo: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const step of undo.toReversed()) await step();
  });
  let browser: Browser;
  let url: string;

  beforeAll(async () => {
    const database = await cloneDatabase(inject('templateDatabaseUrl'));
    undo.push(() => database.drop());
    const producer = openProducer({ backend: 'postgres', url: database.url }, { log });
    undo.push(() => producer.close());
    await producer.enqueue('deliver', [{ id: DELIVERY, attemptNumber: 1 }]);
    const app = await buildApp({
      queues: producer.queues,
      checkQueue: () => producer.check(),
      isDraining: () => false,
      password: 'a-horn-in-the-fog',
      operatorKey: OPERATOR_KEY,
      readOnly: true,
      apiUrl: null,
      trustedProxies: [],
      version: '0.0.0',
      log,
      now: Date.now,
    });
    undo.push(() => app.close());
    url = await app.listen({ host: '127.0.0.1', port: 0 });
    browser = await chromium.launch({
      ...(executablePath && { executablePath }),
      args: BROWSER_ARGS,
    });
    undo.push(() => browser.close());
  });

  test.each([1280, 360])(
    'logs in, shows a job and logs out at %i px, without blocked requests or requests to other servers',
    async (width) => {
      const page = await browser.newPage({ viewport: { width, height: 800 } });
      page.setDefaultTimeout(WAIT_MS);
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
      page.on('request', (request) => {
        if (!request.url().startsWith(url) && !request.url().startsWith('data:'))
          complaints.push(`asked ${request.url()}`);
      });

      await page.goto(`${url}/queue/deliver`);
      expect(new URL(page.url()).pathname).toBe('/login');
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      await page.getByLabel('Password').fill('a-horn-in-the-fog');
      await page.keyboard.press('Enter');
      await page
        .getByRole('heading', { name: /^dlv_[0-9a-z]{26}-1$/ })
        .first()
        .waitFor();
      expect(new URL(page.url()).pathname).toBe('/queue/deliver');

      await page.goto(`${url}/logout`);
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.getByLabel('Password').waitFor();
      expect((await page.goto(`${url}/`))?.url()).toContain('/login');
      expect(complaints).toEqual([]);
      await page.close();
    },
  );

  test('a link with a ticket signs in, and the ticket leaves the address', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(WAIT_MS);
    const complaints: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    const { ticket } = signBoardTicket({ operatorKey: OPERATOR_KEY, now: Date.now() });
    await page.goto(`${url}/login?next=/queue/deliver#ticket=${ticket}`);
    await page
      .getByRole('heading', { name: /^dlv_[0-9a-z]{26}-1$/ })
      .first()
      .waitFor();
    expect(new URL(page.url()).pathname).toBe('/queue/deliver');
    expect(page.url()).not.toContain(ticket);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
