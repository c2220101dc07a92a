import pg from 'pg';

/** What is between a client and Postgres.
 *  session: nothing, or a pooler that gives each client its own server connection ·
 *  transaction: a pooler that shares server connections but supports named statements ·
 *  unnamed: a pooler that shares server connections and loses named statements */
export type Pooling = 'session' | 'transaction' | 'unnamed';

/** Poolers choose connections newest first, oldest first or at random; one round detects the first two. */
const ROUNDS = 4;
const WITHIN_MS = 15_000;
/** Both clients use the same name and text: if the pooler does not separate names, they clash. */
const PROBE = { name: 'posthorn_probe', text: 'SELECT pg_backend_pid() AS pid' };
/** duplicate_prepared_statement, invalid_sql_statement_name. */
const CLASHES = ['42P05', '26000'];

/** Tests with two clients whether each keeps its server process. Never mistakes a direct connection for a pooler,
 *  because two direct connections always have different, stable processes. Throws if the database does not respond. */
export async function readPooling(url: string): Promise<Pooling> {
  const first = openProbe(url);
  const second = openProbe(url);
  try {
    await first.connect();
    await second.connect();
    const seen = new Set<number>();
    let isShared = false;
    for (let round = 0; round < ROUNDS; round += 1) {
      seen.add(await pidOf(first));
      seen.add(await pidOf(first));
      await second.query('BEGIN');
      const used = await pidOf(second);
      // A second client in a transaction occupies its connection, so the first one has to use another.
      if (seen.has(used)) isShared = true;
      else seen.add(await pidOf(first));
      await second.query('COMMIT');
    }
    return isShared || seen.size > 1 ? 'transaction' : 'session';
  } catch (error) {
    if (error instanceof pg.DatabaseError && CLASHES.includes(error.code ?? '')) return 'unnamed';
    throw error;
  } finally {
    await Promise.all([first.end(), second.end()].map((ended) => ended.catch(() => {})));
  }
}

function openProbe(url: string): pg.Client {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'posthorn probe',
    connectionTimeoutMillis: WITHIN_MS,
    query_timeout: WITHIN_MS,
  });
  client.on('error', () => {});
  return client;
}

async function pidOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>(PROBE);
  return rows[0]?.pid ?? 0;
}
