import type { JsonNode } from '../api/json-source.js';

/** Number of children that are shown at first, and with each "Show more". */
export const PORTION = 100;

/** A line of the tree: a value, or the rest of a long list. */
export interface JsonRow {
  /** `start` of the value. For the rest of a list: a negative number. */
  id: number;
  node: JsonNode;
  /** From 1. */
  level: number;
  /** Its position among its siblings, from 1, and their number. */
  position: number;
  siblings: number;
  /** The id of the row above it in the hierarchy. */
  parentId: number | null;
  /** Set for the rest of a list: how many children of `node` are not shown. */
  hidden: number;
}

export interface Shown {
  /** The ids of the values that are expanded: objects, arrays and long strings. */
  open: ReadonlySet<number>;
  /** How many children are shown, by id. Default: PORTION. */
  counts: ReadonlyMap<number, number>;
}

/** The visible rows, from top to bottom. */
export function rowsOf(root: JsonNode, { open, counts }: Shown): JsonRow[] {
  const rows: JsonRow[] = [];
  const rest: JsonRow[] = [rowOf(root, { level: 1, position: 1, siblings: 1, parentId: null })];
  for (let row = rest.pop(); row !== undefined; row = rest.pop()) {
    rows.push(row);
    const { node, level } = row;
    if (row.hidden > 0 || node.children.length === 0 || !open.has(row.id)) continue;
    const count = Math.min(counts.get(row.id) ?? PORTION, node.children.length);
    const place = { level: level + 1, siblings: node.children.length, parentId: row.id };
    if (count < node.children.length)
      rest.push({ ...place, id: -1 - row.id, node, position: count + 1, hidden: node.children.length - count });
    for (let index = count - 1; index >= 0; index -= 1) {
      const child = node.children[index];
      if (child) rest.push(rowOf(child, { ...place, position: index + 1 }));
    }
  }
  return rows;
}

const rowOf = (node: JsonNode, place: Pick<JsonRow, 'level' | 'position' | 'siblings' | 'parentId'>): JsonRow => ({
  id: node.start,
  node,
  hidden: 0,
  ...place,
});

/** Expands objects and arrays, outer ones first, until the tree has about `maxRows` rows. Returns their ids. */
export function openWithin(root: JsonNode, maxRows: number): Set<number> {
  const open = new Set<number>();
  let left = maxRows;
  let level = [root];
  while (level.length > 0 && left > 0) {
    const next: JsonNode[] = [];
    for (const { start, children } of level) {
      const count = Math.min(children.length, PORTION);
      if (count === 0 || count > left) continue;
      left -= count;
      open.add(start);
      next.push(...children.slice(0, PORTION));
    }
    level = next;
  }
  return open;
}

/** A value that contains a text, and what the tree must show for it to be visible. */
export interface JsonMatch {
  /** The id of its row. */
  id: number;
  open: number[];
  counts: [id: number, count: number][];
}

/** Finds the values whose key, or whose own text, contains `wanted`, from top to bottom. Ignores case. `textOf` returns the readable text
 *  of a part of the source. */
export function findIn(root: JsonNode, wanted: string, textOf: (node: JsonNode) => string): JsonMatch[] {
  const text = wanted.toLowerCase();
  const found: JsonMatch[] = [];
  const visit = (node: JsonNode, { open, counts }: Omit<JsonMatch, 'id'>): void => {
    const { start, kind, children } = node;
    const isLeaf = kind === 'string' || kind === 'other';
    const isMatch = [node.key ?? '', isLeaf ? textOf(node) : ''].some((one) => one.toLowerCase().includes(text));
    // A long string is cut until it is open.
    if (isMatch) found.push({ id: start, open: isLeaf ? [...open, start] : open, counts });
    for (const [index, child] of children.entries())
      visit(child, { open: [...open, start], counts: index < PORTION ? counts : [...counts, [start, index + 1]] });
  };
  visit(root, { open: [], counts: [] });
  return found;
}
