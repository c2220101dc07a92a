import { expect, it } from 'vitest';
import { orderQuery, type Sort, sortedAmong, sortRows } from './sort.js';

const row = (name: string, successRate: number | null, oldestCreatedAt: string | null) => ({
  name,
  stats: { successRate, waiting: { count: oldestCreatedAt === null ? 0 : 1, more: false, oldestCreatedAt } },
});
const ROWS = [
  row('fine', 1, null),
  row('idle', null, null),
  row('failing', 0, '2026-11-21T18:00:00.000Z'),
  row('slow', 0.9, '2026-11-20T18:00:00.000Z'),
];
const names = (sort: Sort | undefined, q?: string) => sortRows(ROWS, { sort, q }).map(({ name }) => name);

it('sorts a search by success rate and by the oldest waiting delivery; rows without them come last, and equal rows keep their order', () => {
  expect(names(undefined, 'a search')).toEqual(['fine', 'idle', 'failing', 'slow']);
  expect(names('success', 'a search')).toEqual(['failing', 'slow', 'fine', 'idle']);
  expect(names('waiting', 'a search')).toEqual(['slow', 'failing', 'fine', 'idle']);
});

it('leaves both orders to the API, which has all rows, except in a search', () => {
  for (const sort of ['waiting', 'success'] as const) {
    expect(orderQuery({ sort })).toEqual({ sort });
    expect(names(sort)).toEqual(['fine', 'idle', 'failing', 'slow']);
    expect(orderQuery({ sort, q: 'a search' })).toEqual({ limit: 100 });
  }
  expect(orderQuery({ q: 'a search' })).toEqual({});
});

it('says among which rows a page is sorted, unless it is all', () => {
  const more = { nextCursor: 'next' };
  expect(sortedAmong({ sort: 'success' }, more, 'webhooks')).toBeNull();
  expect(sortedAmong({ sort: 'success' }, { ...more, sortedNewest: 5_000 }, 'webhooks')).toBe(
    'the newest 5,000 webhooks',
  );
  expect(sortedAmong({ sort: 'success', q: 'a' }, more, 'webhooks')).toBe('the first 100 webhooks that match');
  expect(sortedAmong({ sort: 'success', q: 'a' }, { nextCursor: null }, 'webhooks')).toBeNull();
});
