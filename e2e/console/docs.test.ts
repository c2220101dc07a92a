import { readdirSync } from 'node:fs';
import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';
import { findings, loadAxe, type Look, overflow, violations } from './findings.js';

/** Together they have every theme and every width, as those of the console. */
const LOOKS: Look[] = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 390 },
];
/** Every page has the same header and menu, so that of EVERY_PART is enough. */
const CONTENT = { except: 'body > header, #navigation' };
/** Together they have every kind of part: a guide, a table, samples in several languages, the API reference, and its errors. */
const EVERY_PART = ['quickstart', 'receive', 'settings', 'api/subscriptions', 'api/errors'].map(
  (name) => `/docs/${name}`,
);
const site = new URL('../../apps/docs/dist/site/', import.meta.url);
const PAGES = readdirSync(site, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.html'))
  .map((name) => `/docs/${name.replaceAll('\\', '/').replace(/^index\.html$|\.html$/, '')}`);

describe.skipIf(inject('browserPath') === null)('the documentation', () => {
  it.for(PAGES.filter((path) => !EVERY_PART.includes(path)))(
    'axe finds no violations, and nothing scrolls sideways: %s',
    async (path, { page }) => {
      await page.goto(path);
      await loadAxe(page.mainFrame());
      expect(await overflow(page, { colorScheme: 'light', width: 390 })).toEqual([]);
      // Dark and wide, which no look of EVERY_PART is.
      expect(await overflow(page, { colorScheme: 'dark', width: 1280 })).toEqual([]);
      expect(await violations(page.mainFrame(), CONTENT)).toEqual([]);
    },
  );

  it.for(EVERY_PART)('axe finds no violations, light and wide, dark and narrow: %s', async (path, { page }) => {
    await page.goto(path);
    expect(await findings(page, { looks: LOOKS })).toEqual([]);
  });

  it('loads everything from the API itself', async ({ page, baseURL }) => {
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(`${baseURL}/docs/`)) elsewhere.push(request.url());
    });
    await page.goto('/docs/');
    await page.getByRole('button', { name: /^Search/ }).click();
    await page.getByRole('searchbox').fill('relay');
    await page.getByRole('dialog').getByRole('link').first().waitFor();
    expect(elsewhere).toEqual([]);
  });

  it('sends each kind of file compressed, with the same content as uncompressed', async ({ baseURL }) => {
    const style = (await (await fetch(`${baseURL}/docs/`)).text()).match(/assets\/site\.\w+\.css/)?.[0];
    for (const path of ['', 'api/subscriptions', 'quickstart.md', 'llms.txt', 'search.json', style]) {
      const get = (encoding: string) => fetch(`${baseURL}/docs/${path}`, { headers: { 'accept-encoding': encoding } });
      const plain = await get('identity');
      expect([path, plain.status, plain.headers.get('content-encoding')]).toEqual([path, 200, null]);
      const text = await plain.text();
      for (const encoding of ['br', 'gzip']) {
        const compressed = await get(encoding);
        expect([path, compressed.headers.get('content-encoding')]).toEqual([path, encoding]);
        expect(Number(compressed.headers.get('content-length'))).toBeLessThan(text.length);
        expect(await compressed.text()).toBe(text);
      }
    }
  });

  it.for([true, false])(
    'copies code with a button, also on a page without https; https or localhost: %s',
    async (isSecure, { page, context, baseURL }) => {
      let origin = baseURL;
      if (isSecure) await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
      else {
        origin = 'http://posthorn.example';
        await page.route(`${origin}/**`, async (route) => {
          const { pathname } = new URL(route.request().url());
          await route.fulfill({ response: await route.fetch({ timeout: 0, url: baseURL + pathname }) });
        });
      }
      await page.goto(`${origin}/docs/quickstart`);
      expect(await page.evaluate('isSecureContext')).toBe(isSecure);
      await page.evaluate('window.setTimeout = () => 0'); // The label stays, however slow the machine is.
      await page.getByRole('button', { name: 'Copy' }).first().click();
      await page.getByRole('button', { name: 'Copied' }).waitFor();
      await page.getByRole('button', { name: /^Search/ }).click();
      await page.keyboard.press('ControlOrMeta+V');
      await page.getByRole('dialog').getByRole('link').first().waitFor();
      expect((await page.getByRole('searchbox').inputValue()).trim()).toBe('npm start');
    },
  );

  it('is linked in the console', async ({ page, signIn }) => {
    await signIn();
    await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Documentation' }).click();
    await page.waitForURL(/\/docs\/$/);
    await page.getByRole('navigation', { name: 'Documentation' }).waitFor();
  });

  it('finds a page by a word of its text, with the keyboard', async ({ page }) => {
    await page.goto('/docs/');
    await page.keyboard.press('/');
    await page.keyboard.type('outbox');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('link', { name: 'Publish events › From a transaction' }).waitFor();
    expect(await findings(page, { looks: LOOKS })).toEqual([]);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/docs\/publish/);
    await page.getByRole('heading', { level: 1, name: 'Publish events' }).waitFor();
    await page.getByRole('button', { name: /^Search/ }).click();
    await page.getByRole('searchbox').fill('xyzzyqwertz');
    await dialog.getByText('No page has “xyzzyqwertz”.').waitFor();
  });

  it('the API reference has every operation, with a right example for each error and code samples', async ({
    page,
    stack,
  }) => {
    const document = await stack.call<{ paths: Record<string, Record<string, { summary: string }>> }>(
      'GET',
      '/openapi.json',
    );
    await page.goto('/docs/api');
    const main = page.getByRole('main');
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const shown = await main.getByRole('table').getByRole('link').allTextContents();
    expect(shown.toSorted()).toEqual(operations.map(({ summary }) => summary).toSorted());
    await main.getByRole('link', { name: 'Create a subscription', exact: true }).click();
    await page.getByRole('heading', { name: 'Create a subscription', exact: true }).waitFor();
    expect(new URL(page.url()).hash).toBe('#create-a-subscription');
    await page.getByText(`curl -X POST https://hooks.example.com/v1/accounts/acme/subscriptions`).first().waitFor();
    await main.getByRole('link', { name: 'url_not_allowed' }).first().click();
    await page.waitForURL(/\/docs\/api\/errors#url_not_allowed$/);
    expect(await main.getByText('"code": "url_not_allowed"').count()).toBe(1);
  });

  it('keeps the theme that was chosen, and the console has it too', async ({ page, signIn }) => {
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto('/docs/');
    const theme = page.getByRole('button', { name: /^Theme/ });
    await theme.click();
    await theme.click();
    expect(await theme.textContent()).toBe('Theme: dark');
    await page.getByRole('link', { name: 'Quickstart', exact: true }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Quickstart' }).waitFor();
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    await signIn();
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
  });

  it('opens the navigation with a button on a narrow screen, whose header has one line', async ({ page }) => {
    await page.setViewportSize({ width: 360, height: 844 });
    await page.goto('/docs/');
    await page.evaluate('document.fonts.ready');
    expect(await page.evaluate(`document.querySelector('header').offsetHeight`)).toBeLessThan(64);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    const menu = page.getByRole('button', { name: 'Menu' });
    expect(await menu.getAttribute('aria-expanded')).toBe('false');
    await menu.click();
    await page.getByRole('navigation', { name: 'Documentation' }).getByRole('link', { name: 'Operate' }).click();
    await page.getByRole('heading', { level: 1, name: 'Operate' }).waitFor();
  });

  it('can be read without JavaScript', async ({ browser, baseURL }) => {
    const context = await browser.newContext({
      baseURL,
      javaScriptEnabled: false,
      viewport: { width: 390, height: 844 },
    });
    const page = await context.newPage();
    await page.goto('/docs/delivery');
    await page.getByRole('heading', { level: 1, name: 'Retries, order and duplicates' }).waitFor();
    await page.getByRole('navigation', { name: 'Documentation' }).getByRole('link', { name: 'Security model' }).click();
    await page.getByRole('heading', { level: 1, name: 'Security model' }).waitFor();
    await context.close();
  });
});
