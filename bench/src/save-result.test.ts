import { expect, test } from 'vitest';
import { type Options, readOptions } from './options.js';
import { replacesFull } from './save-result.js';

function optionsOf(args: string[]): Options {
  const read = readOptions(args, ['steady']);
  if (read.outcome !== 'run') throw new Error(`${args.join(' ')} must be valid`);
  return read.options;
}
const runOf = (args: string[]) => ({ options: optionsOf(args), system: 'Posthorn', failed: [] });
const [threeTimes, once] = [runOf([]), runOf(['--repetitions', '1'])];

test('replaces the last full run by a newer one with at least as many repetitions, or the default', () => {
  expect(replacesFull(threeTimes, null)).toBe(true);
  expect(replacesFull(threeTimes, runOf(['--repetitions', '5']))).toBe(true);
  expect(replacesFull(once, null)).toBe(true);
  expect(replacesFull(once, once)).toBe(true);
  expect(replacesFull(once, threeTimes)).toBe(false);
  expect(replacesFull(runOf(['--repetitions', '2']), threeTimes)).toBe(false);
});

test.each([['--quick'], ['--scenario', 'steady'], ['--case', 'alone'], ['--backend', 'postgres'], ['--workers', '2']])(
  'keeps the last full run after one with %s',
  (...args) => {
    expect(replacesFull(runOf(args), null)).toBe(false);
  },
);

test('keeps the last full run after a failure, and after a run of another system', () => {
  expect(replacesFull({ ...threeTimes, failed: [{ scenario: 'steady', error: 'it broke' }] }, null)).toBe(false);
  expect(replacesFull({ ...threeTimes, system: 'my-dialect.mjs' }, null)).toBe(false);
});
