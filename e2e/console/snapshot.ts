import { readFile } from 'node:fs/promises';
import { waitFor } from '@posthorn/testing';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Screen } from './screens.js';

/** What is shown while the API is silent or fails depends on what came before: a picture of that is a race. */
const UNSTEADY = ['deliveries loading', 'deliveries failed to load', 'integrations loading'];

/** Of these the rows may come in any order: what they tell of happened at the same time. */
const UNORDERED = ['deliveries', 'event', 'audit log'];

/** What differs from run to run and from machine to machine, by what it is. */
const STEADY: [RegExp, string][] = [
  [/\b(sub|evt|dlv|att|rpl|key|ses)_[0-9a-z]{26}\b/g, '<$1>'],
  [/\b(sub|evt|dlv|att|rpl|key|ses)_[0-9a-z]*…[0-9a-z]*/g, '<$1>'],
  [/127\.0\.0\.1:\d+/g, '<receiver>'],
  [/(?<![\d.])\d+\.\d+\.\d+(?![\d.])/g, '<version>'],
  [/\b\d+(\.\d+)? (ms|s)\b/g, '<duration>'],
  [/\d+ · <duration>/g, '<duration> · <duration>'],
  [/\b(in )?\d+ (sec|min|hr)\.( ago)?|(?<!Retry )\bnow\b/g, '<when>'],
  [/\d{1,2} \w{3,4} \d{4}, \d\d:\d\d(:\d\d [^\s"]+)?/g, '<moment>'],
  [/"?date: .*/g, '<date>'],
  // Whether a connection was open still.
  [/^( *)- region "Where the time went":\n(\1 .*\n)*/gm, '$1- region "Where the time went": <timings>\n'],
  // The worker, and what a stack is given by the machine that it runs on.
  [/^( *)- '?row "(Alive|API_PORT|REDIS_URL|QUEUE_BACKEND) .*\n(\1 .*\n)*/gm, '$1- row "$2 …"\n'],
];

/** Compares the whole of a screen, as a screen reader is told it, with what it was. Changed on purpose?
 *  `npm test -- e2e/console/accessibility --update`, and look at what has changed. */
export async function compareSnapshot({ name }: Screen, page: Page): Promise<void> {
  if (UNSTEADY.includes(name)) return;
  const file = `aria/${name.replaceAll(' ', '-')}.txt`;
  const expected = await readFile(new URL(file, import.meta.url), 'utf8').catch(() => null);
  // A part of a screen that has a request of its own may come after the rest, so a difference gets a minute to go away.
  const isExpected = async () => (await readScreen(name, page)) === expected;
  if (expected !== null) await waitFor(isExpected, { timeoutMs: 60_000 }).catch(() => {});
  await expect(await readScreen(name, page)).toMatchFileSnapshot(file);
}

/** The text of the screen, or of the dialog that lies above it. */
async function readScreen(name: string, page: Page): Promise<string> {
  const dialog = page.getByRole('dialog');
  const shown = (await dialog.count()) > 0 ? dialog : page.getByRole('main');
  const told = STEADY.reduce((text, [what, as]) => text.replaceAll(what, as), `${await shown.ariaSnapshot()}\n`);
  return UNORDERED.includes(name) ? sortRows(told) : told;
}

/** Each row with what is in it, by its text. */
const sortRows = (told: string): string =>
  told.replaceAll(/(?:^( *)- '?row .*\n(?:\1 .*\n)*)(?:^\1- '?row .*\n(?:\1 .*\n)*)+/gm, (rows, indent: string) =>
    rows
      .split(new RegExp(`^(?=${indent}- '?row )`, 'm'))
      .toSorted()
      .join(''),
  );
