import { type Database, dispatch, openDatabase } from '@posthorn/core';
import { type PlanNode, rowsRead } from '@posthorn/testing';
import { readCounters } from '../read-counters.js';
import type { Case, Goal, Metrics, Scenario } from '../scenario.js';

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
    Object.keys(CASES).flatMap((name): Goal[] => {
      const goal = (what: string, metric: string, atMost: number): Goal => ({
        what: `${name}: ${what}`,
        found: medians(name, metric),
        wanted: { atMost },
      });
      if (!CASES[name]?.isDue) return [goal('rows that a round reads', 'rowsRead', 20)];
      return [
        goal('rows read to choose a leased delivery', 'rowsToChoose', 5),
        goal('rows per leased delivery, with those that the writes read', 'rowsPerLease', 10),
      ];
    }),
};

async function measure(db: Database, due: Due): Promise<Metrics> {
  await fill(db, due);
  await dispatch({ db, enqueue }); // lets Postgres plan
  const before = await readCounters([db]);
  const from = performance.now();
  const { enqueued } = await dispatch({ db, enqueue });
  const roundMs = performance.now() - from;
  const after = await readCounters([db]);
  const [rows, buffersRead] = [after.rows - before.rows, after.buffers - before.buffers];
  const perLease = (count: number) => (enqueued === 0 ? null : count / enqueued);
  const explained = due.isDue ? await explainRound(db) : null;
  return {
    roundMs,
    leased: enqueued,
    rowsRead: rows,
    buffersRead,
    ...(explained && { rowsToChoose: explained.leased === 0 ? null : explained.rows / explained.leased }),
    rowsPerLease: perLease(rows),
    buffersPerLease: perLease(buffersRead),
  };
}

/** Another round, as Postgres explains the statement that the rounds before have prepared: the leased deliveries, and the rows that it read
 *  to choose them. */
async function explainRound({ pool }: Database): Promise<{ leased: number; rows: number }> {
  let [leased, rows] = [0, 0];
  for (const shards of ['0,1,2,3', '4,5,6,7', '8,9,10,11', '12,13,14,15']) {
    const explained = await pool.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) EXECUTE "lease-due" (250, 1000, '{${shards}}')`,
    );
    const plan = explained.rows[0]?.['QUERY PLAN'][0].Plan;
    if (!plan) throw new Error('EXPLAIN returned no plan');
    leased += plan['Actual Rows'];
    rows += rowsRead(plan);
  }
  return { leased, rows };
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
