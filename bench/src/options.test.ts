import { expect, test } from 'vitest';
import { readOptions } from './options.js';

const KNOWN = ['steady', 'flat-out'];

test('runs every scenario three times on Redis with one worker and ten million finished deliveries by default', () => {
  expect(readOptions([], KNOWN)).toEqual({
    outcome: 'run',
    options: {
      scenarios: [],
      words: '',
      isQuick: false,
      repetitions: 3,
      backend: 'redis',
      workers: 1,
      historySize: 10_000_000,
      showsStatements: false,
      dialect: null,
    },
  });
});

test('defaults to one repetition and a small history with --quick', () => {
  expect(readOptions(['--quick'], KNOWN)).toMatchObject({ options: { repetitions: 1, historySize: 50_000 } });
  const args = ['--quick', '--repetitions', '2', '--history', '7', '--scenario', 'flat-out,steady'];
  expect(readOptions(args, KNOWN)).toMatchObject({
    options: { repetitions: 2, historySize: 7, scenarios: ['flat-out', 'steady'] },
  });
});

test('accepts --hostile for --scenario hostile', () => {
  const known = [...KNOWN, 'hostile'];
  expect(readOptions(['--hostile'], known)).toEqual(readOptions(['--scenario', 'hostile'], known));
});

test.each([
  { args: ['--scenario', 'fast'], message: 'Unknown scenario fast.' },
  { args: ['--backend', 'kafka'], message: '--backend must be redis or postgres, not kafka.' },
  { args: ['--workers', '0'], message: '--workers must be a whole number from 1, not 0.' },
  { args: ['--repetitions', '1.5'], message: '--repetitions must be a whole number from 1, not 1.5.' },
  { args: ['--history', 'many'], message: '--history must be a whole number from 1, not many.' },
])('refuses $args with a reason', ({ args, message }) => {
  expect(readOptions(args, KNOWN)).toEqual({ outcome: 'wrong', message });
});

test('continues a run with its own options, and refuses others', () => {
  expect(readOptions(['--continue', 'a.json'], KNOWN)).toEqual({ outcome: 'continue', file: 'a.json' });
  expect(readOptions(['--continue=a.json'], KNOWN)).toEqual({ outcome: 'continue', file: 'a.json' });
  expect(readOptions(['--continue', 'a.json', '--quick'], KNOWN)).toEqual({
    outcome: 'wrong',
    message: '--continue takes its options from the file, so it must be the only one.',
  });
});

test('refuses an unknown option', () => {
  expect(readOptions(['--sceanrio', 'steady'], KNOWN)).toMatchObject({ outcome: 'wrong' });
});
