import type { Deps } from '../deps.js';
import type { EventTypeSchema } from '../generated/prisma/client.js';

/** Maximum size of the schemas of a page, as in list-event-types.ts. */
const MAX_PAGE_BYTES = 1024 * 1024;

/** Returns the versions of a type's schema before `before`, newest first: `limit` of them, or fewer (at least one) if they exceed
 *  1 MiB. */
export async function listEventTypeSchemas(
  { db }: Pick<Deps, 'db'>,
  { name, before, limit }: { name: string; before: number | null; limit: number },
): Promise<{ rows: EventTypeSchema[]; hasMore: boolean }> {
  const { rows: sizes } = await db.pool.query<{ version: number; bytes: number }>({
    name: 'list-event-type-schemas',
    text: `
      SELECT version, (sum(octet_length(schema::text)) OVER (ORDER BY version DESC))::int AS bytes
      FROM (
        SELECT * FROM event_type_schemas WHERE name = $1 AND ($2::int IS NULL OR version < $2) ORDER BY version DESC LIMIT $3
      ) s
      ORDER BY version DESC`,
    values: [name, before, limit + 1],
  });
  const versions = sizes
    .slice(0, limit)
    .flatMap(({ version, bytes }, n) => (n === 0 || bytes <= MAX_PAGE_BYTES ? [version] : []));
  const rows = await db.prisma.eventTypeSchema.findMany({
    where: { name, version: { in: versions } },
    orderBy: { version: 'desc' },
  });
  return { rows, hasMore: versions.length < sizes.length };
}
