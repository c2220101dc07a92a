import pg from 'pg';

const WITHIN_MS = 15_000;

/** What `posthorn doctor` checks about BullMQ on Postgres. Returns whether its tables exist. Throws if the database does not respond. */
export async function inspectPostgresQueue(url: string): Promise<{ hasTables: boolean }> {
  const { DEFAULT_SCHEMA } = await import('bullmq'); // slow to load
  const client = new pg.Client({
    connectionString: url,
    application_name: 'posthorn doctor',
    connectionTimeoutMillis: WITHIN_MS,
    query_timeout: WITHIN_MS,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ hasTables: boolean }>(
      'SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1) AS "hasTables"',
      [DEFAULT_SCHEMA],
    );
    return { hasTables: rows[0]?.hasTables ?? false };
  } finally {
    await client.end().catch(() => {});
  }
}
