/** SQL: `column = value`, as a lookup in the column's index for each value.
 *
 *  Each connection keeps its first plans, made when a table may have been nearly empty (database.ts). For an
 *  equality, such a plan may read the whole index in order for a merge join or hash join. With `= ANY`, Postgres can
 *  do neither. */
export const lookUp = (column: string, value: string): string => `${column} = ANY (ARRAY[${value}])`;

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** SQL: `column = value`, and ids from `from` to `to`, for a query ordered by `column, id`.
 *
 *  For `column = value ORDER BY id LIMIT n`, a plan may walk the primary key past the rows of all other values. This condition and this
 *  order leave only the index by column and id (newest-first.ts). */
export const inIdOrder = (
  column: string,
  value: string,
  { from = `'${FIRST_ID}'`, to = `'${LAST_ID}'` }: { from?: string; to?: string } = {},
): string => {
  const keys = `(${column}, ${column.replace(/\w+$/, 'id')})`;
  return `${keys} >= (${value}, ${from}) AND ${keys} <= (${value}, ${to})`;
};
