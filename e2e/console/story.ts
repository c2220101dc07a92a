/* oxlint-disable no-empty-pattern -- vitest reads from the pattern which fixtures one needs */
import { STORY_ENV, tellStory, waitFor } from '@posthorn/testing';
import { inject } from 'vitest';
import { startStack } from '../stack.js';
import { it as base } from './browser.js';
import type { Screen } from './screens.js';

/** A test on a stack with the data of the story, set up once per file. */
export const it = base
  .extend('stack', { scope: 'file' }, async ({}, { onCleanup }) => {
    const stack = await startStack({ backend: inject('queueBackends')[0] ?? 'postgres', env: STORY_ENV });
    onCleanup(() => stack.stop());
    return stack;
  })
  .extend('story', { scope: 'file' }, async ({ stack }, { onCleanup }) => {
    const story = await tellStory(stack);
    onCleanup(() => story.close());
    return story;
  })
  /** Opens a screen in its state and waits until it is complete. */
  .extend('open', ({ page, story, signIn }) => async ({ path, given, when, shows }: Screen): Promise<void> => {
    await given?.(page);
    await signIn(path(story));
    await when?.(page);
    await page.getByText(shows).filter({ visible: true }).first().waitFor();
    if (given) return;
    await page.waitForLoadState('networkidle');
    await waitFor(async () => (await page.getByText(/^Loading/).count()) === 0);
  });
