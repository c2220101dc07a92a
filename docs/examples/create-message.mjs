/** Writes a message and its event in one transaction. `pool` is a Pool of the package pg. */
export async function createMessage(pool, { account, body }) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { rows } = await client.query('INSERT INTO messages (account, body) VALUES ($1, $2) RETURNING id, body', [
      account,
      body,
    ]);
    await client.query("INSERT INTO outbox (account, event, payload) VALUES ($1, 'message:created', $2)", [
      account,
      rows[0],
    ]);
    await client.query('COMMIT');
    return rows[0];
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}
