import { type Database, dispatch, openDatabase } from '@posthorn/core';
import { readCounters } from '../read-counters.js';
import type { Case, Metrics, Scenario } from '../scenario.js';

const ACCOUNTS = 500;
const log = { debug() {}, info() {}, warn: console.warn, error: console.error };

/** A number of subscriptions with a number of deliveries each, due now or tomorrow. */
interface Due {
  subscriptions: number;
  each: number;
  isDue: boolean;
}
const CASES: Record<string, Due> = {
  '600 × 250 due': { subscriptions: 600, each: 250, isDue: true },
  '5,000 × 250 due': { subscriptions: 5_000, each: 250, isDue: true },
  '50,000 × 1 due': { subscriptions: 50_000, each: 1, isDue: true },
  '50,000 × 1, nothing due': { subscriptions: 50_000, each: 1, isDue: false },
};

export const dispatching: Scenario = {
  name: 'dispatch',
  about: 'Runs single rounds of the dispatcher over backlogs, and counts what a round reads per leased delivery.',
  needsPosthorn: true,
  repetitions: 1, // the first round changes the backlog
  maxMinutes: 20,
  async prepare(tools) {
    const posthorn = await tools.startPosthorn({ workers: 0 });
    // One connection, so that its statistics are those of the round.
    const db = openDatabase({ url: posthorn.databaseUrl, applicationName: 'bench', maxConnections: 1, log });
    tools.closeLater(() => db.close());
    await db.pool.query(`INSERT INTO accounts (id) SELECT 'dispatch-' || n FROM generate_series(1, ${ACCOUNTS}) n`);
    return Object.entries(CASES).map(([name, due]): Case => {
      const few = { ...due, subscriptions: due.subscriptions / (tools.isQuick ? 10 : 1) };
      return { name, measure: () => measure(db, few) };
    });
  },
  goals: (medians) =>
    Object.keys(CASES).map((name) =>
      CASES[name]?.isDue
        ? { what: `${name}: rows per leased delivery`, found: medians(name, 'rowsPerLease'), wanted: { atMost: 5 } }
        : { what: `${name}: rows that a round reads`, found: medians(name, 'rowsRead'), wanted: { atMost: 20 } },
    ),
};

async function measure(db: Database, due: Due): Promise<Metrics> {
  await fill(db, due);
  await dispatch({ db, enqueue }); // lets Postgres plan
  const before = await readCounters([db]);
  const from = performance.now();
  const { enqueued } = await dispatch({ db, enqueue });
  const roundMs = performance.now() - from;
  const after = await readCounters([db]);
  const [rowsRead, buffersRead] = [after.rows - before.rows, after.buffers - before.buffers];
  const perLease = (count: number) => (enqueued === 0 ? null : count / enqueued);
  return {
    roundMs,
    leased: enqueued,
    rowsRead,
    buffersRead,
    rowsPerLease: perLease(rowsRead),
    buffersPerLease: perLease(buffersRead),
  };
}

const enqueue = () => Promise.resolve(true);

async function fill({ pool }: Database, { subscriptions, each, isDue }: Due): Promise<void> {
  await pool.query('TRUNCATE pending_deliveries, due_subscriptions');
  await pool.query('DELETE FROM subscriptions');
  await pool.query(
    `INSERT INTO subscriptions (id, account_id, url, status)
     SELECT posthorn_uuidv7(), 'dispatch-' || 1 + n % ${ACCOUNTS}, 'https://hooks.example.com/', 'active' FROM generate_series(1, $1::int) n`,
    [subscriptions],
  );
  for (let made = 0; made < each; made += 10)
    await pool.query(
      `INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, status, due_at)
       SELECT posthorn_uuidv7(), account_id, posthorn_uuidv7(), 'message:created', id, 'pending', now() + $2::interval
       FROM subscriptions, generate_series(1, $1::int)`,
      [Math.min(10, each - made), isDue ? '0' : '1 day'],
    );
  for (const table of ['subscriptions', 'pending_deliveries', 'due_subscriptions'])
    await pool.query(`VACUUM ANALYZE ${table}`);
}
