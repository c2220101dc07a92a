import { expect, it } from 'vitest';
import { createProgram } from '../program.js';
import { complete } from './complete.js';

const words = (...given: string[]) => complete(createProgram(), given);

it('completes commands, verbs and choices', () => {
  expect(words('subs')).toEqual(['subscriptions']);
  expect(words('deliveries', '')).toEqual(['count', 'get', 'list', 'retry']);
  expect(words('completion', '')).toEqual(['bash', 'fish', 'zsh']);
  expect(words('comple')).toEqual(['completion']); // not the hidden one
});

it('completes options of the command and global ones, and their values', () => {
  expect(words('trigger', 'message:created', '--i')).toEqual(['--idempotency-key']);
  expect(words('events', 'list', '--ac')).toEqual(['--account']);
  expect(words('replay', '--which', '')).toEqual(['failed', 'missed']);
});

it('completes nothing after the arguments, and for values that it does not know', () => {
  expect(words('events', 'get', 'evt_1', '')).toEqual([]);
  expect(words('trigger', 'message:created', '--data', '')).toEqual([]); // the shell completes files
  expect(words('--account', 'events', 'deliv')).toEqual(['deliveries']);
});
