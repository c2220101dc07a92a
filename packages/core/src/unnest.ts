/** Columns that a statement gets as parameters: the type of each, and its value in a row. */
export type Columns<Row> = Record<string, [type: string, valueOf: (row: Row) => unknown]>;

/** SQL: the rows as a table `alias`. Each column is an array parameter; the first is `$first`. */
export function unnest<Row>(columns: Columns<Row>, { alias, first }: { alias: string; first: number }): string {
  const arrays = Object.values(columns).map(([type], index) => `$${first + index}::${type}[]`);
  return `unnest(${arrays.join(', ')}) AS ${alias} (${namesOf(columns)})`;
}

/** Returns the parameters of `unnest`, in order. */
export const valuesOf = <Row>(columns: Columns<Row>, rows: Row[]): unknown[][] =>
  Object.values(columns).map(([, valueOf]) => rows.map(valueOf));

/** SQL: the column names, prefixed with the table `alias` if given. */
export const namesOf = (columns: Columns<never>, alias?: string): string =>
  Object.keys(columns)
    .map((name) => (alias === undefined ? name : `${alias}.${name}`))
    .join(', ');
