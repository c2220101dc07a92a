import { expect, it } from 'vitest';
import { splitStatements } from './split-statements.js';

it('a file that is marked is split where a line ends a statement; comments go', () => {
  expect(
    splitStatements(
      "-- posthorn:no-transaction\n-- Why.\nDROP INDEX CONCURRENTLY IF EXISTS a;\n\nCREATE INDEX CONCURRENTLY a\n  ON events (type) WHERE type <> 'a;b'; \n",
    ),
  ).toEqual([
    'DROP INDEX CONCURRENTLY IF EXISTS a',
    "CREATE INDEX CONCURRENTLY a\n  ON events (type) WHERE type <> 'a;b'",
  ]);
});

it('any other file is not', () => {
  expect(splitStatements('SELECT 1;\n-- posthorn:no-transaction\n')).toBeNull();
});
