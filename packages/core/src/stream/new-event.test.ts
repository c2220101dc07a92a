import { expect, it } from 'vitest';
import { NEW_EVENTS } from './new-event.js';

const keys = (count: number, bytes: number) =>
  Array.from({ length: count }, (_, n) => ({ id: String(n), accountId: 'acme', bytes }));

it('one read loads at most 4 MiB of bodies, and at most 1,000 events', () => {
  expect(NEW_EVENTS.countReadable(keys(100, 256 * 1024))).toBe(16);
  expect(NEW_EVENTS.countReadable(keys(5_000, 1))).toBe(1_000);
  expect(NEW_EVENTS.countReadable(keys(3, 10))).toBe(3);
  expect(NEW_EVENTS.countReadable([])).toBe(0);
});

it('matches a type exactly, and a family by its pattern', () => {
  const event = { id: '', accountId: 'acme', type: 'message:created', body: Buffer.of(), createdAt: new Date(0) };
  const matches = (types: string[]) => NEW_EVENTS.matches(types, event);
  expect([['message:created'], ['message:*'], ['message'], ['mess:*'], []].map(matches)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
