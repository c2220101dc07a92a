/** SQL: `column = value`, as a lookup in the column's index for each value.
 *
 *  Each connection keeps its first plans, made when a table may have been nearly empty (database.ts). For an
 *  equality, such a plan may read the whole index in order for a merge join or hash join. With `= ANY`, Postgres can
 *  do neither. */
export const lookUp = (column: string, value: string): string => `${column} = ANY (ARRAY[${value}])`;
