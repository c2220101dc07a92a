import type { Page } from 'playwright-core';

/** Counts the clicks in the page from now on. The result returns their number, and throws if the page was loaded again. */
export async function countClicks(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(`window.clicks = 0;
    addEventListener('click', ({ isTrusted, detail }) => { if (isTrusted && detail > 0) window.clicks += 1; }, true);`);
  return async () => {
    const clicks = await page.evaluate('window.clicks');
    if (typeof clicks !== 'number') throw new Error('the page was loaded again');
    return clicks;
  };
}
