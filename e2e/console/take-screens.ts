import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '@posthorn/embedded';
import { DIALOGS, SCREENS, STATES } from './screens.js';
import { it as base } from './seeded.js';
import { startBoard, startDemo } from './start-pages.js';
import { seedData, writeHistory } from '@posthorn/testing';

// npm run screens: saves every screen in every state, theme and width to screens/ for review, and the README's to docs/.

const FOLDER = fileURLToPath(new URL('../../screens/', import.meta.url));
const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));
const SIZES = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
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

// The history has names of endpoints that do not resolve, so no test is delivered here. layouts.test.ts shows its result.
const canBeTaken = ({ name }: { name: string }): boolean => name !== 'test result';
// The dialogs come last, because some of them add data.
it.for([...SCREENS, ...STATES, ...DIALOGS].filter(canBeTaken))('$name', async (screen, { open, take }) => {
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

it('portal that has ended', async ({ page, take }) => {
  await page.goto('/portal#token=nobody');
  await page.getByText('This link has expired').waitFor();
  await take('portal ended');
});

it('documentation', async ({ page, take }) => {
  for (const [name, path] of [
    ['docs', '/docs/'],
    ['docs page', '/docs/delivery'],
    ['docs errors', '/docs/api/errors'],
  ] as const) {
    await page.goto(path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await take(name);
  }
});

it('Bull Board sign-in', async ({ page, stack, take, onTestFinished }) => {
  const boardUrl = `http://127.0.0.1:${await findFreePort()}`;
  onTestFinished(await startBoard(stack, boardUrl));
  await page.goto(boardUrl);
  await page.getByLabel('Password').waitFor();
  await take('board sign in');
});

it('demo', async ({ page, stack, take, onTestFinished }) => {
  const demoUrl = `http://127.0.0.1:${await findFreePort()}`;
  onTestFinished(await startDemo(stack, demoUrl));
  await page.goto(demoUrl);
  await page
    .getByText(/signature valid/)
    .first()
    .waitFor();
  await take('demo');
});
