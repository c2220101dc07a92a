import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Screen } from './screens.js';

/** Of these screens most depends on the machine and the moment; deliveries of one event come in any order. */
const UNSTEADY = [
  'overview',
  'queues',
  'audit log',
  'settings',
  'event',
  'deliveries',
  'deliveries loading',
  'deliveries failed to load',
  'integrations loading',
  'delivery drawer',
  'webhook',
  'webhook failing',
  'webhook unverified',
];

/** What differs from run to run, by what it is. */
const STEADY: [RegExp, string][] = [
  [/\b(sub|evt|dlv|att|rec|key|ses)_[0-9a-z]{26}\b/g, '<$1>'],
  [/\b(sub|evt|dlv|att|rec|key|ses)_[0-9a-z]*…[0-9a-z]*/g, '<$1>'],
  [/127\.0\.0\.1:\d+/g, '<receiver>'],
  [/\b\d+(\.\d+)? (ms|s)\b/g, '<duration>'],
  [/\b(in )?\d+ (sec|min|hr)\.( ago)?|(?<!Retry )\bnow\b/g, '<when>'],
  [/\d{1,2} \w{3} \d{4}, \d\d:\d\d:\d\d \w+/g, '<moment>'],
  [/"?date: .*/g, '<date>'],
];

/** Compares the whole of a screen, as a screen reader is told it, with what it was. Changed on purpose?
 *  `npm test -- e2e/console/accessibility --update`, and look at what has changed. */
export async function compareSnapshot({ name }: Screen, page: Page): Promise<void> {
  if (UNSTEADY.includes(name)) return;
  const dialog = page.getByRole('dialog');
  const shown = (await dialog.count()) > 0 ? dialog : page.getByRole('main');
  const told = STEADY.reduce((text, [what, as]) => text.replaceAll(what, as), await shown.ariaSnapshot());
  await expect(`${told}\n`).toMatchFileSnapshot(`aria/${name.replaceAll(' ', '-')}.txt`);
}
