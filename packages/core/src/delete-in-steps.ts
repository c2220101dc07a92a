import type pg from 'pg';

/** Rows per statement: few, so its locks end within milliseconds. */
const ROWS_PER_STEP = 5_000;

/** Deletes all rows of `table` for which `where` holds, a few per statement. An index has to find them. Returns how many. Ends
 *  soon after `signal`; the next call continues. */
export async function deleteInSteps(
  client: pg.ClientBase,
  { table, where, values }: { table: string; where: string; values: unknown[] },
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (let deleted = ROWS_PER_STEP; deleted === ROWS_PER_STEP && !signal.aborted; count += deleted) {
    const { rowCount } = await client.query(
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${where} LIMIT ${ROWS_PER_STEP} FOR UPDATE SKIP LOCKED))`,
      values,
    );
    deleted = rowCount ?? 0;
  }
  return count;
}
