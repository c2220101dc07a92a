import pg from 'pg';

/** Runs the queries of `posthorn doctor` on a connection of their own. Throws if the database does not respond within the time, or to a query. */
export async function connectOnce<Found>(
  { url, withinMs }: { url: string; withinMs: number },
  inspect: (client: pg.Client) => Promise<Found>,
): Promise<Found> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'posthorn doctor',
    connectionTimeoutMillis: withinMs,
    query_timeout: withinMs,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    return await inspect(client);
  } finally {
    await client.end().catch(() => {});
  }
}
