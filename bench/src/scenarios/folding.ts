import { setTimeout as pause } from 'node:timers/promises';
import { type Database, findShardsToFold, openDatabase } from '@posthorn/core';
import type { Meter } from '../meter.js';
import { readCounters } from '../read-counters.js';
import type { Case, Metrics, Scenario, Tools } from '../scenario.js';
import type { Posthorn } from '../start-posthorn.js';

const ACCOUNTS = 5_000;
const log = { debug() {}, info() {}, warn: console.warn, error: console.error };

/** `busyPercent`: the share of one account; the other accounts share the rest evenly. */
const CASES = {
  '5,000 accounts': { busyPercent: 0, workers: 2 },
  '5,000 accounts, one worker': { busyPercent: 0, workers: 1 },
  '5,000 accounts, half of one': { busyPercent: 50, workers: 2 },
  'one account': { busyPercent: 100, workers: 2 },
};

export const folding: Scenario = {
  name: 'folding',
  about: 'Lets workers fold the statistics of deliveries: two rows for each, none shared.',
  needsPosthorn: true,
  maxMinutes: 20,
  async prepare(tools) {
    const posthorn = await tools.startPosthorn({ workers: 0 });
    const db = openDatabase({ url: posthorn.databaseUrl, applicationName: 'bench', maxConnections: 1, log });
    tools.closeLater(() => db.close());
    const meter = await tools.openMeter(posthorn);
    const deliveries = tools.isQuick ? 50_000 : 200_000;
    return Object.entries(CASES).map(([name, { busyPercent, workers }]): Case => {
      async function measure(): Promise<Metrics> {
        await fill(db, { deliveries, busyPercent });
        return measureFolding(tools, posthorn, { db, meter, workers });
      }
      return { name, warmUp: measure, measure };
    });
  },
  goals: (medians) =>
    Object.keys(CASES).map((name) => ({
      what: `${name}: deliveries folded per second`,
      found: medians(name, 'perSecond'),
      wanted: { atLeast: 10_000 },
    })),
};

/** Starts workers, which fold with the pauses of production. Measures from their first step on, to exclude process startup, to the last. */
async function measureFolding(
  { signal }: Tools,
  posthorn: Posthorn,
  { db, meter, workers }: { db: Database; meter: Meter; workers: number },
): Promise<Metrics> {
  const count = async (rows: string) => Number((await db.pool.query(`SELECT count(*) FROM ${rows}`)).rows[0]?.count);
  async function until(isOver: () => Promise<boolean>): Promise<void> {
    while (!(await isOver())) {
      signal.throwIfAborted();
      await pause(100);
    }
  }
  const [all, before] = [await count('stat_deltas'), await readCounters([db])];
  await posthorn.startWorkers(workers);
  await until(async () => (await db.pool.query('SELECT FROM stats LIMIT 1')).rowCount !== 0);
  const [metering, from] = [await meter.start(), performance.now()];
  const left = (await count('stat_deltas')) / 2; // each delivery has two
  await until(async () => (await findShardsToFold(db.pool)).length === 0);
  const seconds = (performance.now() - from) / 1_000;
  const { indexInserts = null, walBytes = null, postgresUs = null, workerUs = null } = await metering.stop(left);
  await posthorn.stopWorkers(); // their connections report what they have read
  const after = await readCounters([db]);
  return {
    perSecond: left / seconds,
    rowsPerDelivery: (after.rows - before.rows) / (all / 2),
    buffersPerDelivery: (after.buffers - before.buffers) / (all / 2),
    statRows: await count('stats'),
    workerUs,
    postgresUs,
    indexInserts,
    walBytes,
  };
}

/** Writes the rows of this many deliveries of the last ten minutes in order, one for the event and one for the attempt of each. */
async function fill(
  { pool }: Database,
  { deliveries, busyPercent }: { deliveries: number; busyPercent: number },
): Promise<void> {
  await pool.query('TRUNCATE stat_deltas, stats');
  await pool.query(
    `INSERT INTO stat_deltas (account_id, subscription_id, event_type, at, count, outcome, status_code, duration_bucket, ended)
     SELECT d.account_id, CASE WHEN of.outcome IS NOT NULL THEN md5(d.account_id)::uuid END, 'message:created',
       date_bin('1 minute', now() - interval '10 minutes' * (1 - n::float8 / $1::int), 'epoch'), 1, of.outcome, of.code,
       CASE WHEN of.outcome IS NOT NULL THEN 12 + n % 20 END, of.ended
     FROM generate_series(1, $1) n
     CROSS JOIN LATERAL (SELECT CASE WHEN n % 100 < $2::int THEN 'busy' ELSE 'fold-' || n * 7919::bigint % ${ACCOUNTS} END) d (account_id)
     CROSS JOIN (VALUES (NULL::attempt_outcome, NULL::int, NULL::delivery_status), ('ok', 200, 'succeeded')) of (outcome, code, ended)
     ORDER BY n`,
    [deliveries, busyPercent],
  );
  await pool.query('VACUUM ANALYZE stat_deltas, stats');
  await pool.query('CHECKPOINT');
}
