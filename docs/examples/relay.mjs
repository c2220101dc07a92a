import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const { DATABASE_URL, POSTHORN_URL, POSTHORN_API_KEY } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL });
pool.on('error', (error) => console.error(error.message)); // an idle connection was lost; the next query opens another one

async function publish(account, rows) {
  // The payload is inserted as text, so that its bytes stay the same.
  const events = rows.map(
    ({ id, event, payload }) =>
      `{"event":${JSON.stringify(event)},"payload":${payload},"idempotencyKey":"outbox-${id}"}`,
  );
  const response = await fetch(`${POSTHORN_URL}/v1/accounts/${account}/events/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${POSTHORN_API_KEY}`, 'content-type': 'application/json' },
    body: `{"events":[${events}]}`,
    signal: AbortSignal.timeout(30_000),
  });
  const { ok, status, headers } = response;
  // Posthorn will never accept this. A response of another server, such as a proxy, is not a refusal.
  const isRefused =
    [400, 404, 409, 413, 422].includes(status) && headers.get('content-type')?.startsWith('application/problem+json');
  return { ok, status, isRefused, text: await response.text() };
}

/** Publishes the oldest events of one account. Returns how many rows it published or marked as refused. Throws if Posthorn cannot accept events now. */
async function relayOnce(client) {
  await client.query('SELECT pg_advisory_xact_lock(72100)'); // one relay at a time, which keeps the order
  const { rows } = await client.query(`
    SELECT id, account, event, payload::text FROM outbox
    WHERE error IS NULL AND account = (SELECT account FROM outbox WHERE error IS NULL ORDER BY id LIMIT 1)
    ORDER BY id LIMIT 100`);
  if (rows.length === 0) return 0;
  let published = rows;
  let result = await publish(rows[0].account, published);
  // A batch is accepted or refused as a whole. If it is refused, publish its first event alone.
  if (result.isRefused) {
    published = rows.slice(0, 1);
    result = await publish(rows[0].account, published);
  }
  const ids = published.map(({ id }) => id);
  if (result.ok) await client.query('DELETE FROM outbox WHERE id = ANY ($1)', [ids]);
  else if (result.isRefused) await client.query('UPDATE outbox SET error = $2 WHERE id = ANY ($1)', [ids, result.text]);
  else throw new Error(`Posthorn returned ${result.status}: ${result.text}`); // a wrong key, or try later
  return published.length;
}

async function inTransaction(work) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    client.release(true); // closes the connection, which rolls back
    throw error;
  }
}

for (;;) {
  const handled = await inTransaction(relayOnce).catch((error) => {
    console.error(error.message);
    return 0;
  });
  if (handled === 0) await sleep(500);
}
