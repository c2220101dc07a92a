/** Who publishes or delivers writes to these all the time. */
const HOT = ['events', 'pending_deliveries', 'finished_deliveries', 'attempts'];

/** `rewrites or checks every row` while it holds a lock, or keeps one until the end of the transaction. */
const LONG: [RegExp, string][] = [
  [/^CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)/, 'makes an index while nobody can write; make it CONCURRENTLY'],
  [/^DROP INDEX (?!CONCURRENTLY)/, 'waits for everybody who uses the table; drop it CONCURRENTLY'],
  [/^REINDEX (?!.*CONCURRENTLY)/, 'makes an index while nobody can write; do it CONCURRENTLY'],
  [
    /^ALTER TABLE .*\b(ALTER|ALTER COLUMN) \S+ (SET DATA )?TYPE\b/,
    'writes every row anew; add a column, and fill it in steps',
  ],
  [/^ALTER TABLE .*\bSET NOT NULL\b/, 'reads every row; add a CHECK that is NOT VALID, and validate it'],
  [
    /^ALTER TABLE .*\bADD (COLUMN )?(?!CONSTRAINT)\S+ .*\bDEFAULT (?!NULL\b|'[^']*'|-?\d|true\b|false\b)/,
    'writes every row anew, since its default is not a constant',
  ],
  [
    /^ALTER TABLE .*\bADD (COLUMN )?(?!CONSTRAINT)\S+ (?!.*\bDEFAULT\b).*\bNOT NULL\b/,
    'fails where there are rows; let the column be null at first',
  ],
  [
    /^ALTER TABLE .*\bADD (CONSTRAINT|CHECK|FOREIGN KEY|UNIQUE|PRIMARY KEY)\b(?!.*\bNOT VALID\b)(?!.*\bUSING INDEX\b)/,
    'reads every row; add it NOT VALID, and validate it in a migration of its own',
  ],
  [/^(LOCK|CLUSTER|VACUUM FULL|TRUNCATE)\b/, 'locks the table'],
  [/^(UPDATE|DELETE)\b/, 'changes any number of rows in one transaction; do it in steps, from a worker'],
];

/** What a migration does that would hold up publishing or delivering for longer than a moment, a sentence each. It knows the usual
 *  statements, not all there are. */
export function findLongLocks(sql: string): string[] {
  const statements = sql
    .replaceAll(/--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim().replaceAll(/\s+/g, ' '));
  return statements.flatMap((statement) => {
    const table = HOT.find((one) => new RegExp(`\\b${one}(_\\w+)?\\b`, 'i').test(statement));
    if (table === undefined) return [];
    return LONG.filter(([does]) => new RegExp(does, 'i').test(statement)).map(
      ([, why]) => `${statement.slice(0, 80)}: ${why}`,
    );
  });
}
