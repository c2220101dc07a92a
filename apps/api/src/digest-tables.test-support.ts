import type { Deps } from '@posthorn/core';

/** Returns a function that digests every table: equal digests mean equal contents. It ignores last-used times and failed logins,
 *  which rejected requests write as well. */
export async function openDigests(
  { pool }: Deps['db'],
  { except = [] }: { except?: string[] } = {},
): Promise<() => Promise<Record<string, string>>> {
  const { rows } = await pool.query<{ name: string; isUsed: boolean }>({
    text: `
      SELECT c.relname AS name, EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'last_used_at') AS "isUsed"
      FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> ALL ($1)`,
    values: [['login_limits', ...except]],
  });
  const digests = rows.map(({ name, isUsed }) => {
    const row = isUsed ? `(to_jsonb(t) - 'last_used_at')` : 't';
    const kept = name === 'audit_entries' ? `WHERE action <> 'session.refused'` : '';
    return `(SELECT count(*) || ':' || coalesce(sum(hashtextextended(${row}::text, 0)), 0) FROM ${name} t ${kept}) AS ${name}`;
  });
  // A named statement is planned only once.
  const query = { name: 'digest-tables', text: `SELECT ${digests.join(', ')}` };
  return async () => (await pool.query<Record<string, string>>(query)).rows[0] ?? {};
}
