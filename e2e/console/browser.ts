/* oxlint-disable no-empty-pattern -- vitest reads from the pattern which fixtures one needs */
import { BROWSER_ARGS, openEndpoint } from '@posthorn/testing';
import { type Browser, type BrowserContext, chromium, type ConsoleMessage, type Page } from 'playwright-core';
import { inject, it as base } from 'vitest';
import { startStack } from '../stack.js';

const WAIT_MS = 120_000; // only reached if the condition never becomes true
/** Messages of the browser and the console about a response that is not 2xx, or none. */
const AWAY = /^Failed to load resource|The server cannot be reached/;

/** Messages at the edge of the page stay, so that a slow machine does not miss them. They disappear after 8 s otherwise. */
export const keepMessages = (page: Pick<Page, 'evaluate'>): Promise<void> =>
  page.evaluate(
    `window.setTimeout = ((set) => (run, ms, ...rest) => (ms === 8000 ? 0 : set(run, ms, ...rest)))(window.setTimeout)`,
  );

const VIEWPORT = { width: 1280, height: 900 };

/** Pages that the tests of a file reuse, each test from a clean state. Concurrent tests have a page each. A new page would load and
 *  compile the console again, which takes half of a test's time. */
function openPages(browser: Browser, baseURL: string) {
  const idle: Page[] = [];
  return {
    async take(): Promise<Page> {
      let page = idle.pop();
      if (!page || page.isClosed()) page = await (await browser.newContext({ baseURL, viewport: VIEWPORT })).newPage();
      page.context().setDefaultTimeout(WAIT_MS); // also for pages that a test opens
      return page;
    },
    /** Resets the page and keeps it for the next test, unless the test has closed it. */
    async giveBack(page: Page): Promise<void> {
      if (page.isClosed()) return;
      const context = page.context();
      for (const other of context.pages()) if (other !== page) await other.close();
      await page.unrouteAll({ behavior: 'ignoreErrors' });
      // Fails on a page that was never opened, because it has no storage.
      await page.evaluate('localStorage.clear()').catch(() => {});
      await page.goto('about:blank');
      await context.clearCookies();
      await page.emulateMedia({ colorScheme: null, reducedMotion: null });
      await page.setViewportSize(VIEWPORT);
      idle.push(page);
    },
    async close(): Promise<void> {
      for (const page of idle) await page.context().close();
    },
  };
}

/**
 * A test in a real browser against the real stack. Each file has its own pages. Files in one vitest worker share the browser and,
 * unless a file starts its own `stack`, the stack. So each test creates its own accounts and tolerates others.
 * A test also fails if the browser reports an error: an exception, or a violation of the content security policy.
 */
export const it = base
  .extend('sharedStack', { scope: 'worker' }, async ({}, { onCleanup }) => {
    const stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres' });
    onCleanup(() => stack.stop());
    return stack;
  })
  .extend('stack', { scope: 'file' }, ({ sharedStack }) => sharedStack)
  .extend('browser', { scope: 'worker' }, async ({}, { onCleanup }) => {
    const browser = await chromium.launch({
      executablePath: inject('browserPath') ?? '',
      args: BROWSER_ARGS,
    });
    onCleanup(() => browser.close());
    return browser;
  })
  .extend('endpoint', async ({}, { onCleanup }) => {
    const endpoint = await openEndpoint();
    onCleanup(() => endpoint.close());
    return endpoint;
  })
  .extend('baseURL', { scope: 'file' }, ({ stack }) => stack.apiUrl)
  .extend('pages', { scope: 'file' }, ({ browser, baseURL }, { onCleanup }) => {
    const pages = openPages(browser, baseURL);
    onCleanup(() => pages.close());
    return pages;
  })
  .extend('page', async ({ pages, task }, { onCleanup }) => {
    const page = await pages.take();
    const complaints: string[] = [];
    const onError = (error: Error) => complaints.push(error.message);
    const onMessage = (message: ConsoleMessage) => {
      if (message.type() === 'error' && !AWAY.test(message.text())) complaints.push(message.text());
    };
    page.on('pageerror', onError);
    page.on('console', onMessage);
    onCleanup(async () => {
      page.off('pageerror', onError);
      page.off('console', onMessage);
      if (task.result?.state === 'fail' && !page.isClosed())
        console.error(`${page.url()} when the test failed:\n${await page.ariaSnapshot()}`);
      await pages.giveBack(page);
      if (complaints.length > 0) throw new Error(complaints.join('\n'));
    });
    return page;
  })
  .extend('context', ({ page }): BrowserContext => page.context())
  /** Signs in through the API, opens a page and waits until the console is ready. The sign-in form has its own tests. */
  .extend('signIn', ({ page, context, stack }) => async (path = '/', key = stack.operatorKey): Promise<void> => {
    const signedIn = await context.request.post('/v1/session', { data: { key }, headers: { 'x-posthorn-csrf': '1' } });
    if (!signedIn.ok()) throw new Error(`signing in: ${signedIn.status()} ${await signedIn.text()}`);
    await page.goto(path);
    await page.getByRole('navigation', { name: 'Console' }).waitFor();
  })
  .extend(
    'button',
    ({ page }) =>
      (name: string | RegExp) =>
        page.getByRole('button', { name }),
  )
  /** Chooses how all times are shown. */
  .extend('showTimesIn', ({ page, button }) => async (zone: string): Promise<void> => {
    await button(/^Time zone/)
      .first()
      .click();
    await page.getByLabel('Time zone').selectOption(zone);
    await button('Done').click();
  })
  /** Waits until the text is visible. */
  .extend(
    'see',
    ({ page }) =>
      (text: string | RegExp) =>
        page.getByText(text).first().waitFor(),
  )
  .extend('newAccount', ({ stack }) => async (): Promise<string> => {
    const account = `account-${Math.random().toString(36).slice(2)}`;
    await stack.call('PUT', `/v1/accounts/${account}`, {});
    return account;
  })
  /** Adds a webhook on the Integrations page and leaves its dialog open. */
  .extend('save', ({ page, button }) => async (url: string): Promise<void> => {
    await button('Add webhook URL').click();
    await page.getByRole('textbox', { name: 'Webhook URL' }).fill(url);
    await button('Save').click();
  });
