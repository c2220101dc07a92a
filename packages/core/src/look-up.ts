/** SQL: `column = value`, as a lookup in the column's index for each value.
 *
 *  Each connection keeps the plans that it made first, when a table may have been nearly empty (database.ts). For an equality, such a plan
 *  may read the whole index in its order and join it (merge join, hash join). Postgres can do neither of these with `= ANY`. */
export const lookUp = (column: string, value: string): string => `${column} = ANY (ARRAY[${value}])`;
