import { describe, expect, test } from 'vitest';
import { type Options, readOptions } from './options.js';
import { continueRun, replacesFull, type RunResult } from './save-result.js';

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

describe('a continued run', () => {
  const machine = { cores: 2, cpu: 'Test', memoryGb: 8, node: 'v20.20.2' };
  const measured = (scenario: string) => ({ scenario, seconds: 1, repetitions: {}, found: {}, goals: [] });
  const before: RunResult = {
    ...once,
    at: '2026-12-01T10:00:00.000Z',
    commit: 'a',
    machine,
    scenarios: [measured('steady'), measured('history')],
    failed: [{ scenario: 'hostile', error: 'it broke' }],
  };
  const after: RunResult = {
    ...before,
    at: '2026-12-01T12:00:00.000Z',
    commit: 'b',
    scenarios: [measured('hostile')],
    failed: [],
  };

  test('has all scenarios in order, only the failures of the later run, and says what was measured later', () => {
    const whole = continueRun(before, after, ['steady', 'hostile', 'history']);
    expect(whole.scenarios.map(({ scenario }) => scenario)).toEqual(['steady', 'hostile', 'history']);
    expect(whole).toMatchObject({
      at: before.at,
      commit: 'a',
      failed: [],
      continued: [{ at: after.at, commit: 'b', scenarios: ['hostile'] }],
    });
    expect(replacesFull(whole, null)).toBe(true);
  });

  test('is refused on another machine', () => {
    const elsewhere = { ...after, machine: { ...machine, cores: 4 } };
    expect(() => continueRun(before, elsewhere, [])).toThrow('This machine differs: cores is 4, and was 2.');
  });
});
