import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SCREENS, STATES } from './screens.js';
import { it as base } from './seeded.js';
import { seedData, writeHistory } from '@posthorn/testing';

// npm run screens: saves every screen in every state, theme and width to screens/ for review, and the README's to docs/.

const FOLDER = fileURLToPath(new URL('../../screens/', import.meta.url));
const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));
const SIZES = [
  { width: 1280, height: 800 },
  { width: 360, height: 740 },
];
/** The screens of the README: name, theme, width. */
const SHOWN = [
  ['integrations', 'light', 1280],
  ['overview', 'light', 1280],
  ['delivery failed', 'dark', 1280],
] as const;

const it = base
  .extend('seed', { scope: 'file' }, async ({ stack }, { onCleanup }) => {
    rmSync(FOLDER, { recursive: true, force: true });
    for (const folder of [FOLDER, DOCS]) mkdirSync(folder, { recursive: true });
    const seed = await seedData(stack);
    await writeHistory(stack, seed);
    onCleanup(() => seed.close());
    return seed;
  })
  /** Takes a screenshot in each theme and size. */
  .extend('take', ({ page }) => async (name: string): Promise<void> => {
    await page.evaluate('document.fonts.ready');
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const size of SIZES) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.setViewportSize(size);
        await page.evaluate(
          'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))',
        );
        const file = `${name.replaceAll(' ', '-')}-${colorScheme}-${size.width}.png`;
        // A dialog is as large as the window.
        const fullPage = (await page.getByRole('dialog').count()) === 0;
        await page.screenshot({ path: FOLDER + file, fullPage });
        const isShown = SHOWN.some(
          ([one, theme, width]) => one === name && theme === colorScheme && width === size.width,
        );
        if (isShown) await page.screenshot({ path: DOCS + file });
      }
    }
  });

it.for([...SCREENS, ...STATES])('$name', async (screen, { open, take }) => {
  await open(screen);
  await take(screen.name);
});

it('sign in', async ({ page, take }) => {
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await take('sign in');
});

it('portal', async ({ page, stack, seed, take }) => {
  const { url } = await stack.call<{ url: string }>('POST', `/v1/accounts/${seed.account}/portal-sessions`, {
    theme: { accent: '#7a3ff2', accentDark: '#b79cff', radius: 14 },
  });
  await page.goto(url);
  await page.getByText('Nightly reports').waitFor();
  await take('portal');
});

it('portal tabs', async ({ page, stack, seed, take }) => {
  const { url } = await stack.call<{ url: string }>('POST', `/v1/accounts/${seed.account}/portal-sessions`, {
    theme: { navigation: 'tabs' },
  });
  await page.goto(url);
  await page.getByText('Nightly reports').waitFor();
  await take('portal tabs');
});
