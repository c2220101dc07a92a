import type pg from 'pg';

export type Queryable = Pick<pg.Pool | pg.PoolClient, 'query'>;

/** Maximum bytes of bodies that one statement reads. */
const MOST_BYTES = 4 * 1024 * 1024;

/** Searches the bodies of events of an account for a text, in the order of the ids, until MOST_BYTES are read. Returns the events that contain
 *  it, and how many ids were searched (at least one). Uses the key of events. */
export async function findInPayloads(
  client: Queryable,
  { accountId, eventIds, text }: { accountId: string; eventIds: string[]; text: string },
): Promise<{ found: Set<string>; searched: number }> {
  const { rows } = await client.query<{ id: string; place: number; isRead: boolean; isFound: boolean }>({
    name: 'find-in-payloads',
    text: `
      WITH sized AS MATERIALIZED (
        SELECT t.id, t.place::int, sum(e.bytes) OVER (ORDER BY t.place) - e.bytes < ${MOST_BYTES} AS is_read
        FROM unnest($2::uuid[]) WITH ORDINALITY AS t (id, place) CROSS JOIN LATERAL (
          SELECT octet_length(body) AS bytes FROM events WHERE account_id = $1 AND id = t.id OFFSET 0
        ) e
      )
      SELECT s.id, s.place, s.is_read AS "isRead", s.is_read AND EXISTS (
        SELECT FROM events e, unnest($3::bytea[]) AS spelling
        WHERE e.account_id = $1 AND e.id = s.id AND position(spelling IN e.body) > 0 OFFSET 0
      ) AS "isFound"
      FROM sized s ORDER BY s.place`,
    values: [accountId, eventIds, spellingsOf(text).map((spelling) => Buffer.from(spelling))],
  });
  const unread = rows.find(({ isRead }) => !isRead);
  return {
    found: new Set(rows.filter(({ isFound }) => isFound).map(({ id }) => id)),
    searched: unread ? unread.place - 1 : eventIds.length,
  };
}

/** Returns the JSON spellings of a text: as it is, with the required escapes, and with everything but ASCII escaped. */
export function spellingsOf(text: string): string[] {
  const escaped = JSON.stringify(text).slice(1, -1);
  const ascii = (spell: (hex: string) => string): string =>
    escaped.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${spell(unit.charCodeAt(0).toString(16).padStart(4, '0'))}`);
  return [...new Set([text, escaped, ascii((hex) => hex), ascii((hex) => hex.toUpperCase())])];
}
