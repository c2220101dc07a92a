/** Returns whether the first line says that the migration runs outside a transaction. */
export const isOutsideTransaction = (sql: string): boolean =>
  sql.split('\n', 1)[0]?.trim() === '-- posthorn:no-transaction';

/** Returns the statements of a file that runs outside a transaction, in order, without comment lines and final
 *  semicolons. A statement ends only with `;` at the end of a line.
 *
 *  Throws an Error for dollar quotes (thus for DO blocks and functions) and for statements that begin or end a
 *  transaction. Such statements belong in a file that runs in a transaction. */
export function splitStatements(sql: string): string[] {
  const lines = sql.split(/\r?\n/).filter((line) => !line.trimStart().startsWith('--'));
  const statements = lines
    .join('\n')
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
  for (const statement of statements) {
    if (/\$\w*\$/.test(statement)) throw new Error(`this file must not contain a DO block or a function: ${statement}`);
    if (/^(begin|start\s+transaction|commit|end|rollback|abort|savepoint)\b/i.test(statement))
      throw new Error(`this file runs outside a transaction: ${statement}`);
  }
  return statements;
}
