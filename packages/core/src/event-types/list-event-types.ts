import type { Deps } from '../deps.js';
import type { EventType } from '../generated/prisma/client.js';

/** Maximum size of examples and schemas per page: a hundred of 512 KiB would block the event loop for 350 ms. */
const MAX_PAGE_BYTES = 1024 * 1024;

/** Returns the types after `before`, without those of `except`, newest first: `limit` types, or fewer (at least one) if their examples and
 *  schemas exceed 1 MiB. */
export async function listEventTypes(
  { db }: Pick<Deps, 'db'>,
  {
    before,
    limit,
    except = [],
  }: { before: { createdAt: Date; name: string } | null; limit: number; except?: readonly string[] },
): Promise<{ rows: EventType[]; hasMore: boolean }> {
  const { rows: sizes } = await db.pool.query<{ name: string; bytes: number }>({
    name: 'list-event-types',
    text: `
      SELECT name, (sum(octet_length(coalesce(example::text, '')) + octet_length(coalesce(schema::text, '')))
        OVER (ORDER BY created_at DESC, name DESC))::int AS bytes
      FROM (
        SELECT * FROM event_types WHERE ($1::timestamptz IS NULL OR (created_at, name) < ($1, $2)) AND name <> ALL ($4::text[])
        ORDER BY created_at DESC, name DESC LIMIT $3
      ) t
      ORDER BY created_at DESC, name DESC`,
    values: [before?.createdAt ?? null, before?.name ?? null, limit + 1, except],
  });
  const names = sizes
    .slice(0, limit)
    .flatMap(({ name, bytes }, n) => (n === 0 || bytes <= MAX_PAGE_BYTES ? [name] : []));
  const rows = await db.prisma.eventType.findMany({
    where: { name: { in: names } },
    orderBy: [{ createdAt: 'desc' }, { name: 'desc' }],
  });
  return { rows, hasMore: names.length < sizes.length };
}
