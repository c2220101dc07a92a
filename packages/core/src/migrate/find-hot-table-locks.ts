import { isOutsideTransaction } from './split-statements.js';

/** Every publish or attempt writes to these tables, so a long lock stops Posthorn. */
const HOT_TABLES = ['events', 'earlier_attempts', 'pending_deliveries', 'finished_deliveries'];

// A hot table, one of its partitions, or `{events}` (see migrate.ts), with or without schema and quotes.
const HOT = String.raw`(?:public\.)?"?\{?(?:${HOT_TABLES.join('|')})(?:_first|_other|_\d{8})?\}?"?(?![\w{"])`;
// Without CONCURRENTLY. ON ONLY a partitioned table is allowed: it indexes no row.
const INDEX = new RegExp(
  String.raw`\bCREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY\b)(?:[^(]*?\s)?ON\s+(?:ONLY\s+(?=(?:public\.)?"?pending_deliveries\b))?${HOT}`,
  'i',
);
const ALTER = new RegExp(
  String.raw`\bALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?${HOT}\s*\*?\s+(?<actions>[\s\S]*)`,
  'i',
);
const REINDEX = new RegExp(String.raw`\bREINDEX\s+(?:\([^)]*\)\s*)?TABLE\s+(?!CONCURRENTLY\b)${HOT}`, 'i');
// Without a table these rewrite all tables.
const VACUUM_FULL = new RegExp(
  String.raw`\bVACUUM\s+(?:FULL\b|\([^)]*\bFULL\b[^)]*\))(?:\s+(?:FREEZE|VERBOSE|ANALYZE))*\s*(?:$|[^;]*?(?<![\w"])${HOT})`,
  'i',
);
const CLUSTER = new RegExp(String.raw`^CLUSTER\b(?:\s*\([^)]*\))?(?:\s+VERBOSE)?\s*(?:$|${HOT})`, 'i');
const LOCK = new RegExp(
  String.raw`(?:^|\bBEGIN\s+)LOCK\s+(?:TABLE\s+)?[^;]*?(?<![\w"])${HOT}|\bLOCK\s+TABLE\s+[^;]*?(?<![\w"])${HOT}`,
  'i',
);

// Postgres evaluates these once and stores the value in the catalogue. Any other default might be volatile, so it rewrites the table.
const CONSTANT_DEFAULT =
  /\bDEFAULT\s+(?:'(?:[^']|'')*'|-?\d+(?:\.\d+)?|true|false|null|now\(\)|CURRENT_TIMESTAMP(?:\(\d\))?|CURRENT_DATE)(?:::[\w ]+(?:\(\d+\))?(?:\[\])?)?(?=\s*$|\s+(?:NOT\s+NULL|NULL)\b)/i;

/** Returns one line for each statement that would lock a hot table for longer than a moment.
 *  It matches SQL with patterns, so it may report too much. It also reads DO blocks, but not names that they
 *  construct. */
export function findHotTableLocks(sql: string): string[] {
  const isInTransaction = !isOutsideTransaction(sql);
  return statementsOf(sql).flatMap((statement) =>
    reasonsOf(statement, isInTransaction).map((reason) => `${reason}: ${statement}`),
  );
}

function reasonsOf(statement: string, isInTransaction: boolean): string[] {
  const reasons: string[] = [];
  if (INDEX.test(statement)) reasons.push('CREATE INDEX without CONCURRENTLY blocks writes while it reads the table');
  if (REINDEX.test(statement)) reasons.push('REINDEX without CONCURRENTLY blocks writes while it reads the table');
  if (VACUUM_FULL.test(statement)) reasons.push('VACUUM FULL rewrites the table');
  if (CLUSTER.test(statement)) reasons.push('CLUSTER rewrites the table');
  if (LOCK.test(statement)) reasons.push('LOCK TABLE holds its lock until the migration ends');
  const actions = ALTER.exec(statement)?.groups?.['actions'];
  if (actions)
    reasons.push(...splitActions(actions).flatMap((action) => reasonOfAction(action, isInTransaction) ?? []));
  return reasons;
}

function reasonOfAction(action: string, isInTransaction: boolean): string | null {
  if (/^ALTER\s+(?:COLUMN\s+)?(?!COLUMN\s)\S+\s+SET\s+NOT\s+NULL\b/i.test(action))
    return 'SET NOT NULL reads the whole table';
  if (/^ALTER\s+(?:COLUMN\s+)?(?!COLUMN\s)\S+\s+(?:SET\s+DATA\s+)?TYPE\b/i.test(action))
    return 'ALTER COLUMN TYPE may rewrite the table';
  if (/^SET\s+(?:TABLESPACE|LOGGED|UNLOGGED|ACCESS\s+METHOD)\b/i.test(action)) return 'this SET rewrites the table';
  if (/^ADD\s+(?:CONSTRAINT|CHECK|FOREIGN|PRIMARY|UNIQUE|EXCLUDE|NOT\s+NULL)\b/i.test(action))
    return /\bNOT\s+VALID\b|\bUSING\s+INDEX\b/i.test(action)
      ? null
      : 'ADD CONSTRAINT without NOT VALID reads the whole table';
  if (/^VALIDATE\b/i.test(action) && isInTransaction)
    return 'VALIDATE CONSTRAINT reads the whole table while the transaction keeps the locks of earlier statements';
  if (/^ADD\b/i.test(action)) return reasonOfColumn(action);
  return null;
}

function reasonOfColumn(column: string): string | null {
  const isConstant = CONSTANT_DEFAULT.test(column);
  if (/\bDEFAULT\b/i.test(column) && !isConstant)
    return 'ADD COLUMN with a default that may be volatile rewrites the table';
  if (/\bGENERATED\b|\b(?:small|big)?serial\b/i.test(column))
    return 'ADD COLUMN with generated values rewrites the table';
  if (/\bNOT\s+NULL\b/i.test(column) && !isConstant)
    return 'ADD COLUMN with NOT NULL and no default fails where there are rows';
  if (/\b(?:CHECK|REFERENCES|UNIQUE|PRIMARY\s+KEY)\b/i.test(column))
    return 'ADD COLUMN with a constraint reads the whole table';
  return null;
}

/** Returns the statements without comments, each on one line. */
function statementsOf(sql: string): string[] {
  return sql
    .replace(/('(?:[^']|'')*')|--[^\n]*|\/\*[\s\S]*?\*\//g, (_, text?: string) => text ?? ' ')
    .split(';')
    .map((statement) => statement.replace(/\s+/g, ' ').trim())
    .filter((statement) => statement !== '');
}

/** Returns the actions of an ALTER TABLE. Commas within parentheses and strings do not separate them. */
function splitActions(actions: string): string[] {
  const parts = actions.match(/(?:'(?:[^']|'')*'|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|[^,])+/g) ?? [];
  return parts.map((part) => part.trim());
}
