import type { Page } from 'playwright-core';
import { describe, expect, inject } from 'vitest';
import { findings, type Part } from './findings.js';
import { SCREENS, STATES } from './screens.js';
import { compareSnapshot } from './snapshot.js';
import { it } from './seeded.js';

/** The texts that are cut off at 200 % zoom, which leaves 640 px of 1280. */
async function cutOff(page: Page): Promise<string[]> {
  await page.setViewportSize({ width: 640, height: 450 });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const found = await page.evaluate(`[...document.querySelectorAll('body, body *')].flatMap((element) => {
    const { overflowX, clipPath } = getComputedStyle(element);
    const isWider = element.scrollWidth > element.clientWidth + 1;
    const isHidden = clipPath === 'none' && (overflowX === 'hidden' || overflowX === 'clip') && element.clientWidth > 1;
    return isWider && (isHidden || element === document.body) ? [element.tagName + ' ' + element.className + ': ' + element.textContent.slice(0, 40)] : [];
  })`);
  return found as string[];
}

/** What a state changes: a dialog, or all but the menu. SCREENS have the rest. */
const changedPart = async (page: Page): Promise<Part> =>
  (await page.getByRole('dialog').count()) > 0 ? { within: '[role=dialog], dialog' } : { except: 'header.side' };

/** The most that counts as good (https://web.dev/articles/cls). */
const GOOD_SHIFT = 0.1;

/** The cumulative layout shift since the page was opened, without the half second after the click on Sign in. */
async function shiftOf(page: Page): Promise<number> {
  const shift = await page.evaluate(`new Promise((done) => {
    let sum = 0;
    new PerformanceObserver((list) => {
      for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) sum += value;
    }).observe({ type: 'layout-shift', buffered: true });
    setTimeout(() => done(sum), 50);
  })`);
  return Number(shift);
}

describe.skipIf(inject('browserPath') === null)('accessibility of the console', () => {
  it.for(SCREENS)(
    'axe finds no violations, and the layout does not shift while loading: $name',
    async (screen, { page, open }) => {
      await open(screen);
      expect(await shiftOf(page)).toBeLessThanOrEqual(GOOD_SHIFT);
      await compareSnapshot(screen, page);
      expect(await findings(page)).toEqual([]);
      expect(await cutOff(page)).toEqual([]);
    },
  );

  it.for(STATES)('axe finds no violations: $name', async (screen, { page, open }) => {
    await open(screen);
    await compareSnapshot(screen, page);
    expect(await findings(page, await changedPart(page))).toEqual([]);
    expect(await cutOff(page)).toEqual([]);
  });

  it('axe finds no violations: a portal with tabs', async ({ page, stack, seed }) => {
    const { url } = await stack.call<{ url: string }>('POST', `/v1/accounts/${seed.account}/portal-sessions`, {
      theme: { navigation: 'tabs' },
    });
    await page.goto(url);
    await page.getByText('Nightly reports').waitFor();
    expect(await findings(page)).toEqual([]);
    expect(await cutOff(page)).toEqual([]);
  });

  it.for(['confirm', 'unsubscribe'])(
    'axe finds no violations: the page of an email’s link, %s',
    async (name, { page }) => {
      await page.goto(`/email/${name}?token=nobody`);
      await page.getByRole('button').waitFor();
      expect(await findings(page)).toEqual([]);
      await page.getByRole('button').click();
      await page.getByText('This link is no longer valid.').first().waitFor();
      expect(await findings(page)).toEqual([]);
    },
  );

  it('axe finds no violations: sign in', async ({ page }) => {
    await page.goto('/');
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(await findings(page)).toEqual([]);
  });
});
