/* oxlint-disable no-empty-pattern -- vitest reads from the pattern which fixtures one needs */
import { SEED_ENV, seedData, waitFor } from '@posthorn/testing';
import { inject } from 'vitest';
import { startStack } from '../stack.js';
import { it as base } from './browser.js';
import type { Screen } from './screens.js';

/** A test on a stack with the seed data, set up once per file. */
export const it = base
  .extend('stack', { scope: 'file' }, async ({}, { onCleanup }) => {
    const stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres', env: SEED_ENV });
    onCleanup(() => stack.stop());
    return stack;
  })
  .extend('seed', { scope: 'file' }, async ({ stack }, { onCleanup }) => {
    const seed = await seedData(stack);
    onCleanup(() => seed.close());
    return seed;
  })
  /** Opens a screen in its state and waits until it is complete. */
  .extend('open', ({ page, seed, signIn }) => async ({ path, given, when, shows }: Screen): Promise<void> => {
    await given?.(page);
    await signIn(path(seed));
    await when?.(page);
    await page.getByText(shows).filter({ visible: true }).first().waitFor();
    if (given) {
      // What a given response leaves unanswered loads for ever.
      if (!shows.source.startsWith('Loading'))
        await waitFor(async () => (await page.getByText(/^Loading/).count()) === 0);
      return;
    }
    await page.waitForLoadState('networkidle');
    await waitFor(async () => (await page.getByText(/^Loading/).count()) === 0);
  });
