import { type Database, findShardsToFold, foldStats, openDatabase, shuffled } from '@posthorn/core';
import { openMeter } from '../meter.js';
import { readCounters } from '../read-counters.js';
import type { Case, Scenario } from '../scenario.js';

const ACCOUNTS = 5_000;
/** Processes that fold concurrently. */
const FOLDERS = 2;
/** As in the worker. */
const AT_ONCE = 5_000;
const log = { debug() {}, info() {}, warn: console.warn, error: console.error };

/** The share of one account in percent; the other accounts share the rest evenly. */
const CASES = { '5,000 accounts': 0, '5,000 accounts, half of one': 50, 'one account': 100 };

export const folding: Scenario = {
  name: 'folding',
  about: 'Folds the statistics of deliveries: two rows for each, none shared.',
  needsPosthorn: true,
  maxMinutes: 20,
  async prepare(tools) {
    const posthorn = await tools.startPosthorn({ workers: 0 });
    const folders = Array.from({ length: FOLDERS }, () =>
      openDatabase({ url: posthorn.databaseUrl, applicationName: 'bench', maxConnections: 1, log }),
    );
    for (const folder of folders) tools.closeLater(() => folder.close());
    const meter = await openMeter(posthorn, { sinkPid: tools.sink.pid });
    tools.closeLater(() => meter.close());
    const deliveries = tools.isQuick ? 20_000 : 200_000;
    const [{ pool }] = folders as [Database];
    return Object.entries(CASES).map(([name, busyPercent]): Case => {
      async function measure() {
        await fill(pool, { deliveries, busyPercent });
        const [before, metering] = [await readCounters(folders), await meter.start()];
        const from = performance.now();
        const counts = await Promise.all(folders.map(({ pool: one }) => foldAll(one)));
        const seconds = (performance.now() - from) / 1_000;
        const { indexInserts = null, walBytes = null, postgresUs = null } = await metering.stop(deliveries);
        const after = await readCounters(folders);
        const folded = counts.reduce((sum, count) => sum + count, 0);
        if (folded !== 2 * deliveries) throw new Error(`${folded} rows were folded, not ${2 * deliveries}`);
        return {
          perSecond: deliveries / seconds,
          rowsPerDelivery: (after.rows - before.rows) / deliveries,
          buffersPerDelivery: (after.buffers - before.buffers) / deliveries,
          statRows: (await pool.query('SELECT FROM stats')).rowCount,
          postgresUs,
          indexInserts,
          walBytes,
        };
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

/** Writes the rows of this many deliveries of the last ten minutes in order, one for the event and one for the attempt of each. */
async function fill(
  pool: Database['pool'],
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

/** Folds until no rows are left for this process. Returns the number of rows. */
async function foldAll(pool: Database['pool']): Promise<number> {
  let folded = 0;
  for (;;) {
    const shards = shuffled(await findShardsToFold(pool));
    if (shards.length === 0) return folded;
    for (const shard of shards) folded += (await foldStats(pool, { shard, atOnce: AT_ONCE })) ?? 0;
  }
}
