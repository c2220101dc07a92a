import { expect, test } from 'vitest';
import { splitStatements } from './split-statements.js';

test('a statement ends only with a semicolon at the end of a line', () => {
  const sql = `-- posthorn:no-transaction
-- Comments may end with a semicolon;
CREATE INDEX CONCURRENTLY a ON t (n)
  WHERE s <> ';' AND n > 1;
  -- and be between statements
INSERT INTO t VALUES ('a; b'); \r
DROP INDEX CONCURRENTLY b`;
  expect(splitStatements(sql)).toEqual([
    `CREATE INDEX CONCURRENTLY a ON t (n)\n  WHERE s <> ';' AND n > 1`,
    `INSERT INTO t VALUES ('a; b')`,
    'DROP INDEX CONCURRENTLY b',
  ]);
  expect(splitStatements('-- posthorn:no-transaction\n')).toEqual([]);
});

test.each(['DO $$ BEGIN END $$;', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $body$ SELECT 1 $body$;'])(
  'refuses a body that could contain semicolons: %s',
  (sql) => expect(() => splitStatements(sql)).toThrow(/must not contain a DO block/),
);

test.each(['BEGIN;', 'start transaction;', 'COMMIT;', 'ROLLBACK;', 'SAVEPOINT a;'])(
  'refuses statements about transactions: %s',
  (sql) => expect(() => splitStatements(`SELECT 1;\n${sql}`)).toThrow(/outside a transaction/),
);
