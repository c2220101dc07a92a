import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { ElementContext, RunOptions } from 'axe-core';
import type { Frame, Page } from 'playwright-core';
import { settled } from './settled.js';

/** Minified, because each page gets and parses it. */
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const OPTIONS: RunOptions = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
  // Nothing that no test reads, because axe would compute it for each element.
  resultTypes: ['violations'],
  selectors: false,
  preload: false,
  iframes: false,
};

export interface Look {
  colorScheme: 'light' | 'dark';
  width: number;
}

// Light and dark differ only in their colours, and apps/console/src/tokens.test.ts checks the contrast of each pair. Dark mode shows
// pairs that only a screen has. So two looks have every theme and every width.
const LOOKS: Look[] = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 360 },
];

/** The part of a page to check: what is within a selector, without what another selector selects. */
export interface Part {
  /** Default: everything. */
  within?: string;
  except?: string;
}

/** Checks the contrast of one text of each colour, size and weight on each background. That of the others is the same. */
const MARK_ONE_OF_EACH_CONTRAST = `(within, except) => {
  const backgrounds = new Map([[null, '']]);
  const backgroundOf = (element) => {
    if (!backgrounds.has(element)) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(element);
      const own = [backgroundColor, backgroundImage, opacity].join(' ');
      backgrounds.set(element, backgroundOf(element.parentElement) + (own === 'rgba(0, 0, 0, 0) none 1' ? '' : own));
    }
    return backgrounds.get(element);
  };
  const found = new Set();
  for (const element of document.querySelectorAll('body *')) {
    element.removeAttribute('data-contrast');
    const isText = ({ nodeType, data }) => nodeType === Node.TEXT_NODE && data.trim();
    const hasText = element.matches('input, select, textarea') || [...element.childNodes].some(isText);
    const isPart = element.closest(within) && !(except && element.closest(except));
    if (!hasText || !isPart || !element.checkVisibility()) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const contrast = [color, fontSize, fontWeight, backgroundOf(element)].join(' ');
    if (!found.has(contrast)) element.setAttribute('data-contrast', '');
    found.add(contrast);
  }
  axe.configure({ rules: [{ id: 'color-contrast', selector: '[data-contrast]' }] });
}`;

export const loadAxe = (frame: Frame): Promise<unknown> => frame.evaluate(AXE);

/** The violations in a page that has loaded axe. */
export function violations(frame: Frame, { within = ':root', except }: Part = {}): Promise<string[]> {
  const context: ElementContext = { include: [within], exclude: except === undefined ? [] : [except] };
  const [marked, checked, options] = [[within, except ?? null], context, OPTIONS].map((one) => JSON.stringify(one));
  return frame.evaluate<string[]>(
    `(${MARK_ONE_OF_EACH_CONTRAST})(...${marked}), axe.run(${checked}, ${options}).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ' ' + nodes[0]?.html))`,
  );
}

/** Gives the page this look, and says by how much it scrolls sideways then. */
export async function overflow(page: Page, { colorScheme, width }: Look, frame = page.mainFrame()): Promise<string[]> {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height: 844 });
  await settled(frame);
  const by = Number(await frame.evaluate('document.documentElement.scrollWidth - innerWidth'));
  return by > 0 ? [`scrolls sideways by ${by} px`] : [];
}

/** The violations that axe finds in each theme and width, and by how much the page scrolls sideways. */
export async function findings(
  page: Page,
  {
    frame = page.mainFrame(),
    looks = LOOKS,
    ...part
  }: {
    /** Where to look. Default: the page itself. */
    frame?: Frame | undefined;
    looks?: Look[];
  } & Part = {},
): Promise<string[]> {
  const found: string[] = [];
  // Loading axe takes as long as a check, so load it once.
  await loadAxe(frame);
  for (const look of looks) {
    const all = [...(await overflow(page, look, frame)), ...(await violations(frame, part))];
    found.push(...all.map((one) => `${look.colorScheme} ${look.width}: ${one}`));
  }
  return found;
}
