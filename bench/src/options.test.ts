import { expect, test } from 'vitest';
import { readOptions } from './options.js';

const KNOWN = ['steady', 'flat-out'];

test('without arguments, every scenario runs three times on Redis with one worker and ten million finished deliveries', () => {
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
      dialect: null,
    },
  });
});

test('--quick asks for one repetition and a small history, unless told otherwise', () => {
  expect(readOptions(['--quick'], KNOWN)).toMatchObject({ options: { repetitions: 1, historySize: 50_000 } });
  const args = ['--quick', '--repetitions', '2', '--history', '7', '--scenario', 'flat-out,steady'];
  expect(readOptions(args, KNOWN)).toMatchObject({
    options: { repetitions: 2, historySize: 7, scenarios: ['flat-out', 'steady'] },
  });
});

test('--hostile is short for --scenario hostile', () => {
  const known = [...KNOWN, 'hostile'];
  expect(readOptions(['--hostile'], known)).toEqual(readOptions(['--scenario', 'hostile'], known));
});

test.each([
  { args: ['--scenario', 'fast'], message: 'There is no scenario fast.' },
  { args: ['--backend', 'kafka'], message: '--backend is redis or postgres, not kafka.' },
  { args: ['--workers', '0'], message: '--workers is a whole number from 1, not 0.' },
  { args: ['--repetitions', '1.5'], message: '--repetitions is a whole number from 1, not 1.5.' },
  { args: ['--history', 'many'], message: '--history is a whole number from 1, not many.' },
])('refuses $args with a sentence', ({ args, message }) => {
  expect(readOptions(args, KNOWN)).toEqual({ outcome: 'wrong', message });
});

test('refuses an option that it does not know', () => {
  expect(readOptions(['--sceanrio', 'steady'], KNOWN)).toMatchObject({ outcome: 'wrong' });
});
