import type { Deps } from '@posthorn/core';

/** Makes a function that digests every table, so everything that a request could change: equal digests, equal contents. It ignores when a
 *  key or session was last used, and that a login was refused: requests that are refused write those, too. */
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
  // Named, so that it is planned once.
  const query = { name: 'digest-tables', text: `SELECT ${digests.join(', ')}` };
  return async () => (await pool.query<Record<string, string>>(query)).rows[0] ?? {};
}
