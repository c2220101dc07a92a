import { AxeBuilder } from '@axe-core/playwright';
import { openReceiver, waitFor } from '@posthorn/testing';
import type { Page } from 'playwright-core';
import { describe, expect, inject } from 'vitest';
import { it as base } from './browser.js';

/** An account with a webhook and a delivery, for all of the file. */
const it = base.extend('seed', { scope: 'file' }, async ({ stack }, { onCleanup }) => {
  const receiver = await openReceiver();
  onCleanup(() => receiver.close());
  const { account, id } = await stack.subscribe(receiver.url);
  const event = await stack.publish(account, '{"event":"message:created","payload":{}}');
  return { account, subscription: id, event: event.id, delivery: (await stack.delivery(account, event.id)).id };
});
type Seed = Record<'account' | 'subscription' | 'event' | 'delivery', string>;
const of = (seed: Seed) => `/accounts/${seed.account}`;
const tab = (name: string) => (seed: Seed) => `${of(seed)}/subscriptions/${seed.subscription}${name}`;

const SCREENS: [name: string, path: (seed: Seed) => string][] = [
  ['the overview', () => '/'],
  ['accounts', () => '/accounts'],
  ['queues', () => '/queues'],
  ['what needs attention', () => '/attention'],
  ['the audit log', () => '/audit'],
  ['settings', () => '/settings'],
  ['event types', () => '/event-types'],
  ['an event type', () => '/event-types/message:created'],
  ['a page that is not there', () => '/nowhere'],
  ['integrations', (seed) => `${of(seed)}/integrations`],
  ['events', (seed) => `${of(seed)}/events`],
  ['an event', (seed) => `${of(seed)}/events/${seed.event}`],
  ['deliveries', (seed) => `${of(seed)}/deliveries`],
  ['deliveries, no match', (seed) => `${of(seed)}/deliveries?status=failed`],
  ['a delivery', (seed) => `${of(seed)}/deliveries/${seed.delivery}`],
  ['recoveries', (seed) => `${of(seed)}/recoveries`],
  ['keys', (seed) => `${of(seed)}/keys`],
  ['a webhook', tab('')],
  ['a webhook’s deliveries', tab('/deliveries')],
  ['a webhook’s testing', tab('/test')],
  ['a webhook’s recovery', tab('/recover')],
  ['a webhook’s settings', tab('/settings')],
];

/** What axe finds in what the page shows, and by how much it scrolls sideways: light and dark, wide and narrow. */
async function findings(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 360]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 844 });
      const { violations } = await new AxeBuilder({ page })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
        // Else it opens a page of its own for the sum of all frames at each look, and here is one frame.
        .setLegacyMode()
        .analyze();
      const where = `${colorScheme} ${width}`;
      for (const { id, nodes } of violations) found.push(`${where}: ${id} ${nodes[0]?.html}`);
      const overflow = Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'));
      if (overflow > 0) found.push(`${where}: scrolls sideways by ${overflow} px`);
    }
  }
  return found;
}

describe.skipIf(inject('browserPath') === null)('the console for everyone', () => {
  it.for(SCREENS)('axe finds nothing: %s', async ([, path], { page, seed, signIn }) => {
    await signIn(path(seed));
    await page
      .getByRole('heading', { level: 1 })
      .or(page.getByRole('heading', { name: 'nothing here' }))
      .waitFor();
    await waitFor(async () => (await page.getByText(/^Loading/).count()) === 0);
    expect(await findings(page)).toEqual([]);
  });

  it.for(['Acts on', 'Add webhook URL'])(
    'axe finds nothing when “%s” is open',
    async (name, { page, seed, signIn, button }) => {
      await signIn(`${of(seed)}/integrations`);
      await button(new RegExp(`^${name}`)).click();
      await page.getByRole(name === 'Acts on' ? 'menu' : 'dialog').waitFor();
      expect(await findings(page)).toEqual([]);
    },
  );

  it('axe finds nothing: signing in', async ({ page }) => {
    await page.goto('/');
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(await findings(page)).toEqual([]);
  });

  it('all by keyboard: skip to the content, into a webhook, pause it by its menu', async ({
    page,
    stack,
    receiver,
    signIn,
  }) => {
    const { account } = await stack.subscribe(receiver.url);
    await signIn(`/accounts/${account}/integrations`);
    await page.getByRole('link', { name: /webhook/ }).waitFor();
    await page.reload();
    await page.getByRole('link', { name: /127/ }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    for (let presses = 0; presses < 10; presses += 1) {
      await page.keyboard.press('Tab');
      const name = await page.evaluate('document.activeElement.getAttribute("aria-label")');
      if (String(name).startsWith('Acts on')) break;
    }
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Pause' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('cell', { name: 'Paused' }).waitFor();
  });
});
