const MARK = '-- posthorn:no-transaction';

/** The statements of a migration that runs outside of a transaction, since its first line says so; null of any other one.
 *
 *  Postgres makes and drops an index CONCURRENTLY, without holding up who writes to the table, only outside of a transaction. So such a file
 *  is sent a statement at a time, and may end in the middle. Write it so that it can be run again: IF NOT EXISTS and IF EXISTS, and first
 *  drop the index that a failed CREATE INDEX CONCURRENTLY leaves behind as invalid.
 *
 *  A statement ends with a semicolon at the end of a line. So no line within one may end so: a function or a DO block belongs into a file
 *  of its own, which runs in a transaction. */
export function splitStatements(sql: string): string[] | null {
  if (sql.split('\n', 1)[0]?.trim() !== MARK) return null;
  return sql
    .split(/;[ \t]*$/m)
    .map((statement) => statement.replaceAll(/^\s*--.*$/gm, '').trim())
    .filter((statement) => statement !== '');
}
