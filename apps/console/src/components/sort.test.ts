import { expect, it } from 'vitest';
import { orderQuery, type Sort, sortRows } from './sort.js';

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

it('sorts by success rate and by the oldest waiting delivery; rows without them come last, and equal rows keep their order', () => {
  expect(names(undefined)).toEqual(['fine', 'idle', 'failing', 'slow']);
  expect(names('success')).toEqual(['failing', 'slow', 'fine', 'idle']);
  expect(names('waiting', 'a search')).toEqual(['slow', 'failing', 'fine', 'idle']);
});

it('leaves the order by waiting time to the API, which has all rows, except in a search', () => {
  expect(orderQuery({ sort: 'waiting' })).toEqual({ sort: 'waiting' });
  expect(names('waiting')).toEqual(['fine', 'idle', 'failing', 'slow']);
  expect(orderQuery({ sort: 'waiting', q: 'a search' })).toEqual({ limit: 100 });
  expect(orderQuery({ sort: 'success' })).toEqual({ limit: 100 });
});
