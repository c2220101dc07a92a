import type { Page, Wanted } from '../api/read-pages.js';
import { type Cell, type Column, fields, table } from '../output/table.js';
import type { Terminal } from '../output/terminal.js';

/** Options of every list. */
export type ListOptions = Wanted;

/** Prints a page as a table, and how to continue. With `--json`, prints `{"data":[…],"nextCursor":…}`. */
export function printList<Row>(terminal: Terminal, page: Page<Row>, columns: readonly Column<Row>[]): void {
  terminal.result(page, () => (page.data.length === 0 ? 'None.' : table(page.data, columns, terminal.paint)));
  if (page.nextCursor !== null && !terminal.isJson) {
    terminal.note(`There are more: use a larger --limit, or --cursor ${page.nextCursor}`);
  }
}

/** Prints the fields of one object. With `--json`, prints the object. */
export function printOne<Value>(
  terminal: Terminal,
  value: Value,
  fieldsOf: (value: Value) => readonly (readonly [name: string, value: Cell])[],
): void {
  terminal.result(value, () => fields(fieldsOf(value), terminal.paint));
}

/** `undefined` for absent options, which the client leaves out of the query. */
export function present<Query extends object>(
  query: Query,
): { [Name in keyof Query]: Exclude<Query[Name], undefined> } {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Query]: Exclude<Query[Name], undefined>;
  };
}
