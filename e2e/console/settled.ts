import type { Frame, Page } from 'playwright-core';

/** Waits until the fonts have loaded and the page has reacted to them and to its size, which it does in the next frame. */
export const settled = (of: Page | Frame): Promise<unknown> =>
  of.evaluate(
    'document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))',
  );
