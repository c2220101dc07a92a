import { expect, it } from 'vitest';
import { readSource } from '../api/json-source.js';
import { findIn, openWithin, PORTION, rowsOf } from './json-rows.js';

it('finds keys and values in folded objects, long lists and long strings, and says what must be shown', () => {
  const items = Array.from({ length: 250 }, (_, index) => ({ sku: `item-${index}` }));
  const source = JSON.stringify({ order: { Items: items }, note: `${'x'.repeat(400)} ITEM-240` });
  const root = readSource(source);
  if (root === null) throw new Error('not JSON');
  const find = (text: string) => findIn(root, text, ({ start, end }) => source.slice(start, end));
  const sourcesOf = (text: string) => find(text).map(({ id }) => source.slice(id, id + 12));

  expect(sourcesOf('item-240')).toEqual(['"item-240"},', '"xxxxxxxxxxx']);
  expect(sourcesOf('items')).toEqual(['[{"sku":"ite']);
  expect(sourcesOf('nowhere')).toEqual([]);

  const [match] = find('item-240');
  if (match === undefined) throw new Error('not found');
  const isShown = (open: Set<number>, counts: Map<number, number>) =>
    rowsOf(root, { open, counts }).some(({ id }) => id === match.id);
  const open = openWithin(root, PORTION);
  expect(isShown(open, new Map())).toBe(false);
  expect(isShown(new Set([...open, ...match.open]), new Map(match.counts))).toBe(true);
});
