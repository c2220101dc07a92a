import axe, { type AxeResults, type RunOptions } from 'axe-core';
import type { Frame, Page } from 'playwright-core';
import { settled } from './settled.js';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

// Light and dark differ only in their colours, and apps/console/src/tokens.test.ts checks the contrast of each pair. So dark mode
// is checked once, for pairs that only a screen shows. Narrow and wide differ in everything except their colours.
const LOOKS = [
  { colorScheme: 'light', width: 1280, options: { runOnly: TAGS } },
  { colorScheme: 'dark', width: 1280, options: { runOnly: ['color-contrast'] } },
  { colorScheme: 'light', width: 360, options: { runOnly: TAGS, rules: { 'color-contrast': { enabled: false } } } },
] satisfies { colorScheme: 'light' | 'dark'; width: number; options: RunOptions }[];

/** The violations that axe finds in each theme and width, and by how much the page scrolls sideways. */
export async function findings(
  page: Page,
  {
    frame = page.mainFrame(),
    within = null,
  }: {
    /** Where to look. Default: the page itself. */
    frame?: Frame | undefined;
    /** The selector of the part to check, such as a dialog. null: everything. */
    within?: string | null;
  } = {},
): Promise<string[]> {
  const found: string[] = [];
  // Loading axe takes as long as a check, so load it once.
  await frame.evaluate(axe.source);
  for (const { colorScheme, width, options } of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 844 });
    await settled(frame);
    const run = JSON.stringify({ ...options, resultTypes: ['violations'] });
    const { violations } = await frame.evaluate<AxeResults>(`axe.run(${JSON.stringify(within ?? ':root')}, ${run})`);
    const where = `${colorScheme} ${width}`;
    for (const { id, nodes } of violations) found.push(`${where}: ${id} ${nodes[0]?.html}`);
    const overflow = Number(await frame.evaluate('document.documentElement.scrollWidth - innerWidth'));
    if (overflow > 0) found.push(`${where}: scrolls sideways by ${overflow} px`);
  }
  return found;
}
