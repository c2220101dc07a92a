import { readFile } from 'node:fs/promises';
import { waitFor } from '@posthorn/testing';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Screen } from './screens.js';

/** While the API is silent or fails, the content depends on earlier requests, so a snapshot would be a race. */
const UNSTEADY = [
  'deliveries loading',
  'deliveries failed to load',
  'integrations loading',
  'times',
  // Has the time of each attempt.
  'compare attempts',
];

/** Screens whose rows may come in any order, because they happened at the same time. */
const UNORDERED = [
  'deliveries',
  'deliveries export menu',
  'deliveries filtered',
  'webhook deliveries',
  'delivery menu',
  'event',
  'event drawer',
  'payload raw',
  'audit log',
];

/** Replacements for values that differ between runs and machines. */
const STEADY: [RegExp, string][] = [
  [/\b(sub|evt|dlv|att|rpl|key|ses)_[0-9a-z]{26}\b/g, '<$1>'],
  [/\b(sub|evt|dlv|att|rpl|key|ses)_[0-9a-z]*…[0-9a-z]*/g, '<$1>'],
  [/\boldest [\d.]+ \w+/g, 'oldest <age>'],
  // Rows of the same moment may be in any order.
  [/\bstatus: \d+ of \d+$/gm, 'status: <place>'],
  [/Queue depth: at most [\d,]+/g, 'Queue depth: at most <count>'],
  [/127\.0\.0\.1:\d+/g, '<endpoint>'],
  [/(?<![\d.])\d+\.\d+\.\d+(?![\d.])/g, '<version>'],
  [/\b\d+(\.\d+)? (ms|s)\b/g, '<duration>'],
  [/\d+ · <duration>/g, '<duration> · <duration>'],
  [/\b(in )?\d+ (sec|min|hr)\.( ago)?|(?<!Retry )\bnow\b/g, '<when>'],
  [/\d{1,2} \w{3,4} \d{4}, \d\d:\d\d(:\d\d [^\s"]+)?/g, '<moment>'],
  [/"?date: .*/g, '<date>'],
  // Depends on whether a connection was still open.
  [/^( *)- region "Timings":\n(\1 .*\n)*/gm, '$1- region "Timings": <timings>\n'],
  // The worker, and settings that depend on the machine.
  [/^( *)- '?row "(Running|API_PORT|REDIS_URL|QUEUE_BACKEND) .*\n(\1 .*\n)*/gm, '$1- row "$2 …"\n'],
];

/** Compares a screen, as a screen reader gets it, with its snapshot. After an intended change, run
 *  `npm test -- e2e/console/accessibility --update` and check the differences. */
export async function compareSnapshot({ name }: Screen, page: Page): Promise<void> {
  if (UNSTEADY.includes(name)) return;
  const file = `aria/${name.replaceAll(' ', '-')}.txt`;
  const expected = await readFile(new URL(file, import.meta.url), 'utf8').catch(() => null);
  // Parts of a screen with their own requests may appear later, so wait up to a minute for the expected state.
  let screen = await readScreen(name, page);
  const isExpected = async () => screen === expected || (screen = await readScreen(name, page)) === expected;
  if (expected !== null) await waitFor(isExpected, { timeoutMs: 60_000 }).catch(() => {});
  await expect(screen).toMatchFileSnapshot(file);
}

/** The text of the screen, or of the dialog above it. */
async function readScreen(name: string, page: Page): Promise<string> {
  const dialog = page.getByRole('dialog');
  const shown = (await dialog.count()) > 0 ? dialog : page.getByRole('main');
  const text = STEADY.reduce((steady, [what, as]) => steady.replaceAll(what, as), `${await shown.ariaSnapshot()}\n`);
  return UNORDERED.includes(name) ? sortRows(text) : text;
}

/** Sorts rows, with their content, by their text. */
const sortRows = (text: string): string =>
  text.replaceAll(/(?:^( *)- '?row .*\n(?:\1 .*\n)*)(?:^\1- '?row .*\n(?:\1 .*\n)*)+/gm, (rows, indent: string) =>
    rows
      .split(new RegExp(`^(?=${indent}- '?row )`, 'm'))
      .toSorted()
      .join(''),
  );
