/** Columns that a statement gets as parameters: the type of each, and its value in a row. */
export type Columns<Row> = Record<string, [type: string, valueOf: (row: Row) => unknown]>;

/** SQL: the rows as a table `alias`. Each column is an array parameter; the first is `$first`. `position` names a
 *  column with the number of the row, from 1. */
export function unnest<Row>(
  columns: Columns<Row>,
  { alias, first, position }: { alias: string; first: number; position?: string },
): string {
  const arrays = Object.values(columns).map(([type], index) => `$${first + index}::${type}[]`);
  const [ordinality, names] = position
    ? [' WITH ORDINALITY', `${namesOf(columns)}, ${position}`]
    : ['', namesOf(columns)];
  return `unnest(${arrays.join(', ')})${ordinality} AS ${alias} (${names})`;
}

/** Returns the parameters of `unnest`, in order. */
export const valuesOf = <Row>(columns: Columns<Row>, rows: Row[]): unknown[][] =>
  Object.values(columns).map(([, valueOf]) => rows.map(valueOf));

/** SQL: the column names, prefixed with the table `alias` if given. */
export const namesOf = (columns: Columns<never>, alias?: string): string =>
  Object.keys(columns)
    .map((name) => (alias === undefined ? name : `${alias}.${name}`))
    .join(', ');
