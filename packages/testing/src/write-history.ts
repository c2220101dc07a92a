import pg from 'pg';
import type { SeedData, SeededStack } from './seed-data.js';

const HOURS = 24;
/** Attempts in each hour of a day that ends now, relative to the busiest hour. */
const SHARES = [3, 2, 2, 2, 3, 5, 9, 16, 28, 44, 61, 72, 78, 74, 80, 92, 100, 88, 67, 49, 33, 21, 12, 6];
const BUSIEST = 420;

const ADD = `
INSERT INTO stat_deltas (account_id, subscription_id, event_type, at, count, outcome, status_code, duration_bucket, ended)
SELECT $1, $2, $3, date_bin('1 hour', now(), 'epoch') - make_interval(hours => $4), $5, $6, $7, $8, $9 WHERE $5::int > 0`;

/** Makes the seed data look like a day in use: statistics of the last 24 hours, and the hosts that endpoints represent. For screenshots
 *  and `npm run seed`; tests check what really happened. */
export async function writeHistory(stack: SeededStack, { account, endpoints }: SeedData): Promise<void> {
  const client = new pg.Client(stack.databaseUrl);
  await client.connect();
  const idOf = async (host: string): Promise<string> => {
    const url = endpoints.find((one) => one.host === host)?.endpoint.url;
    const { rows } = await client.query<{ id: string }>('SELECT id FROM subscriptions WHERE url = $1', [url]);
    return rows[0]?.id ?? '';
  };
  try {
    const webhook = await idOf('hooks.acme.example');
    const failingWebhook = await idOf('warehouse.acme.example');
    for (const [hoursAgo, share] of SHARES.toReversed().entries()) {
      if (hoursAgo === 0 || hoursAgo >= HOURS) continue;
      const attempts = Math.round((BUSIEST * share) / 100);
      // Between nine and six hours ago the second webhook failed more often than usual.
      const failed = Math.round(attempts * (hoursAgo >= 6 && hoursAgo <= 9 ? 0.11 : 0.006));
      const add = (...values: (string | number | null)[]) => client.query(ADD, values);
      await add(account, null, 'message:created', hoursAgo, attempts, null, null, null, null);
      for (const [id, count] of [
        [webhook, attempts],
        [failingWebhook, Math.round(attempts * 0.6)],
      ] as const) {
        const bad = id === webhook ? Math.round(failed / 4) : failed;
        // Durations of about 90 and 360 ms: buckets of 2^(n/4) ms.
        await add(account, id, 'message:created', hoursAgo, Math.round(count * 0.9), 'ok', 200, 26, 'succeeded');
        await add(account, id, 'message:created', hoursAgo, Math.round(count * 0.1), 'ok', 200, 34, 'succeeded');
        await add(account, id, 'message:created', hoursAgo, bad, 'http_error', 503, 30, null);
      }
    }
    for (const { endpoint, host } of endpoints) {
      const named = [endpoint.url, `https://${host}/webhook`];
      await client.query('UPDATE subscriptions SET url = replace(url, $1, $2)', named);
      await client.query('UPDATE earlier_attempts SET url = replace(url, $1, $2)', named);
      await client.query('UPDATE finished_deliveries SET url = replace(url, $1, $2)', named);
    }
  } finally {
    await client.end();
  }
}
