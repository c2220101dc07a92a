import { expect, it } from 'vitest';
import { listOf } from './list.js';

/** Ten items, three per page. */
function openPages() {
  const queries: { cursor?: string; status?: string }[] = [];
  const list = (query: { cursor?: string; status?: string }) =>
    listOf(query, async (page) => {
      queries.push(page);
      const from = Number(page.cursor ?? 0);
      const data = Array.from({ length: Math.min(3, 10 - from) }, (_, index) => from + index);
      return { data, nextCursor: from + 3 < 10 ? String(from + 3) : null, searchedBackTo: null };
    });
  return { list, queries };
}

it('yields every item of every page, with the same filters', async () => {
  const { list, queries } = openPages();
  const items: number[] = [];
  for await (const item of list({ status: 'failed' })) items.push(item);
  expect(items).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(queries).toEqual([
    { status: 'failed' },
    { status: 'failed', cursor: '3' },
    { status: 'failed', cursor: '6' },
    { status: 'failed', cursor: '9' },
  ]);
});

it('fetches a page only when its items are read', async () => {
  const { list, queries } = openPages();
  const pages = list({}).pages();
  expect(queries).toEqual([]);
  await pages.next();
  expect(queries).toHaveLength(1);
  expect(await list({}).take(3)).toEqual([0, 1, 2]);
  expect(queries).toHaveLength(2);
  expect(await list({}).take(0)).toEqual([]);
  expect(queries).toHaveLength(2);
});

it('starts at a given cursor', async () => {
  const { list } = openPages();
  expect(await list({ cursor: '6' }).page()).toMatchObject({ data: [6, 7, 8], nextCursor: '9' });
  expect(await list({ cursor: '6' }).take(99)).toEqual([6, 7, 8, 9]);
});

it('continues over a short page in the middle', async () => {
  const list = listOf<{ cursor?: string }, { data: string[]; nextCursor: string | null }>({}, async ({ cursor }) =>
    cursor === undefined ? { data: [], nextCursor: 'b' } : { data: ['x'], nextCursor: null },
  );
  expect(await list.take(5)).toEqual(['x']);
});
