import type { Page } from 'playwright-core';
import { describe, expect, inject } from 'vitest';
import { findings } from './findings.js';
import { DIALOGS, SCREENS } from './screens.js';
import { it } from './seeded.js';
import { settled } from './settled.js';

const LARGE = 123_456_789_012;
const LONG_URL = `https://hooks.example.com/${'very/long/path/'.repeat(10)}${'x'.repeat(24)}`;
const LONG_WORDS =
  'Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz der Donaudampfschifffahrtsgesellschaft';

/** Not HTTP statuses and rates, nor durations, which the timeout limits. */
const isCount = (name: string, value: number): boolean =>
  Number.isInteger(value) && value !== 0 && !/^(statusCode|number|successRate)$|Ms$/.test(name);

/** The same JSON with the largest numbers, the longest URLs and long words. */
function extreme(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => extreme(item, name));
  if (typeof value === 'number') return isCount(name, value) ? LARGE : value;
  if (typeof value === 'string') {
    if (/^https?:\/\//.test(value)) return LONG_URL;
    return name === 'description' || (name === 'name' && /^[A-Z][a-z]/.test(value)) ? LONG_WORDS : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, extreme(item, key)]));
}

/** From now on, the API returns extreme data. Unlike page.route, this leaves the browser its cache, so that it does not load and compile
 *  the console again for each screen. Returns the URLs whose response it has changed, and a function that ends it. */
async function makeExtreme(page: Page): Promise<{ changed: string[]; stop: () => Promise<void> }> {
  const changed: string[] = [];
  const session = await page.context().newCDPSession(page);
  session.on('Fetch.requestPaused', ({ requestId, request, responseStatusCode: responseCode = 0 }) => {
    const isLeft = request.method !== 'GET' || request.url.endsWith('/v1/session') || responseCode === 0;
    const respond = async () => {
      if (isLeft) return session.send('Fetch.continueRequest', { requestId });
      const { body, base64Encoded } = await session.send('Fetch.getResponseBody', { requestId });
      const json: unknown = JSON.parse(Buffer.from(body, base64Encoded ? 'base64' : 'utf8').toString());
      changed.push(request.url);
      return session.send('Fetch.fulfillRequest', {
        requestId,
        responseCode,
        responseHeaders: [{ name: 'content-type', value: 'application/json' }],
        body: Buffer.from(JSON.stringify(extreme(json))).toString('base64'),
      });
    };
    // The page may leave while it waits for a response.
    respond().catch(() => {});
  });
  await session.send('Fetch.enable', { patterns: [{ urlPattern: '*/v1/*', requestStage: 'Response' }] });
  return { changed, stop: () => session.detach() };
}

/** A desktop, a tablet, where tables may scroll sideways, and a phone. */
const WIDTHS = [
  [1280, false],
  [720, true],
  [360, false],
] as const;

/** Parts whose content is wider than they are, and texts of charts outside their chart. */
async function overflowing(page: Page, canTablesScroll: boolean): Promise<string[]> {
  const found = await page.evaluate(`const isHidden = (element) => {
    for (let one = element; one; one = one.parentElement) if (getComputedStyle(one).clipPath !== 'none') return true;
    return element.closest('details:not([open])') !== null;
  };
  [...document.querySelectorAll('main, main *')].flatMap((element) => {
    const { overflowX, display } = getComputedStyle(element);
    if (isHidden(element)) return [];
    if (element.closest('svg') && element.tagName !== 'text') return [];
    const { left, right, width } = element.getBoundingClientRect();
    const describe = (by) => [element.tagName + '.' + (element.getAttribute('class') ?? '') + ' by ' + Math.round(by) + ' px: ' + element.textContent.slice(0, 60)];
    if (element.tagName === 'text') {
      const chart = element.closest('svg').getBoundingClientRect();
      const by = Math.max(chart.left - left, right - chart.right);
      return by > 1 ? describe(by) : [];
    }
    const isTable = element.matches('.table-wrap');
    const scrolls = isTable ? ${canTablesScroll} : overflowX === 'auto' || overflowX === 'scroll';
    if (scrolls || display === 'inline' || element.clientWidth <= 1 || element.matches('input, textarea')) return [];
    const by = element.scrollWidth - element.clientWidth;
    return by > 1 ? describe(by) : [];
  })`);
  return found as string[];
}

describe.skipIf(inject('browserPath') === null)('layouts of the console', () => {
  it.for(SCREENS)(
    'nothing overflows with 12-digit numbers, 200-character URLs and long words: $name',
    async (screen, { page, open, onTestFinished }) => {
      const { changed, stop } = await makeExtreme(page);
      onTestFinished(stop);
      // Waits as for a screen with given responses, which may lack the text that it shows otherwise.
      await open({ ...screen, given: () => Promise.resolve(), shows: /./ });
      await page.waitForLoadState('networkidle');
      await page.getByRole('heading', { level: 1 }).first().waitFor();
      expect(changed).not.toEqual([]);
      const found: string[] = [];
      for (const [width, canTablesScroll] of WIDTHS) {
        await page.setViewportSize({ width, height: 844 });
        await settled(page);
        for (const one of await overflowing(page, canTablesScroll)) found.push(`${width}: ${one}`);
      }
      expect(found).toEqual([]);
    },
  );

  it.for(DIALOGS)('axe finds no violations: $name', async (screen, { page, open }) => {
    await open(screen);
    const isDialog = (await page.getByRole('dialog').count()) > 0;
    expect(await findings(page, { within: isDialog ? 'dialog' : 'main' })).toEqual([]);
  });

  it('axe finds no violations: a sign-in with a wrong key', async ({ page }) => {
    await page.goto('/');
    await page.getByLabel('Operator key or account key').fill('a wrong key');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This key is unknown or revoked.').waitFor();
    expect(await findings(page)).toEqual([]);
  });
});
