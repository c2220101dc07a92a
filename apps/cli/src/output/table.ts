import { printable } from './printable.js';
import type { Paint } from './terminal.js';

export type Cell = string | number | boolean | null | undefined;
export type Column<Row> = readonly [title: string, cellOf: (row: Row) => Cell];

/** Returns rows as aligned text under their titles. The last column is not padded. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], paint: Paint): string {
  const cells = rows.map((row) => columns.map(([, cellOf]) => cellText(cellOf(row))));
  const titles = columns.map(([title]) => title);
  const widths = titles.map((title, n) => Math.max(title.length, ...cells.map((row) => (row[n] ?? '').length)));
  const line = (row: string[]) =>
    row
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join('  ')
      .trimEnd();
  return [paint('dim', line(titles)), ...cells.map(line)].join('\n');
}

/** Returns names and values, one pair per line. */
export function fields(pairs: readonly (readonly [name: string, value: Cell])[], paint: Paint): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${paint('dim', name.padEnd(width))}  ${cellText(value)}`).join('\n');
}

const cellText = (cell: Cell): string =>
  cell === null || cell === undefined || cell === '' ? '–' : printable(String(cell));
