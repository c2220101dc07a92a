import { type Database, openDatabase, openRetention } from '@posthorn/core';
import { fillLedger, readCounts, readHeld, readSizes } from '../aged-ledger.js';
import { openSteadyLoad } from '../open-steady-load.js';
import type { Case, Metrics, Scenario } from '../scenario.js';

const DAY_MS = 24 * 60 * 60 * 1_000;
const RETENTION_DAYS = 30;
const AGED = { accountId: 'aged', subscriptionId: '00000000-0000-7000-8000-000000000001' };
const LOAD = { rate: 100, seconds: 20 };
const log = { debug() {}, info() {}, warn: console.warn, error: console.error };

const BEFORE = 'before';
const FIRST = 'a first round';
const NOTHING = 'a round with nothing to do';
const LATER = 'a round, one week on';

export const retention: Scenario = {
  name: 'retention',
  about:
    'Runs retention (30 days) over 40 days of history beside a steady load: the load’s latency, and the rows that stay.',
  needsPosthorn: true,
  repetitions: 1, // a round deletes what it measures
  maxMinutes: 40,
  async prepare(tools) {
    // The workers' own rounds do not touch this history.
    const posthorn = await tools.startPosthorn({ workers: 0, env: { RETENTION_DAYS: '3650' } });
    const db = openDatabase({ url: posthorn.databaseUrl, applicationName: 'bench', maxConnections: 5, log });
    tools.closeLater(() => db.close());
    const now = new Date();
    await addPausedSubscription(db);
    await fillLedger(db, { events: tools.isQuick ? 20_000 : 1_000_000, now, ...AGED });
    await posthorn.startWorkers(1);
    const load = await openSteadyLoad(tools, posthorn, { endpoint: 'retention' });
    const steady = { ...LOAD, ...(tools.isQuick && { seconds: 4 }) };

    const since = new Date(now.getTime() - RETENTION_DAYS * DAY_MS);
    const kept = { held: await readHeld(db, AGED), young: sum(await readCounts(db, { ...AGED, since })) };
    const retain = (at: Date) =>
      openRetention({ db, retentionDays: RETENTION_DAYS, payloadRetentionDays: null, log, now: () => at }).run(
        tools.signal,
      );
    /** Runs one round beside the load. Shares are of the rows that must stay. */
    const round = (name: string, at: Date): Case => ({
      name,
      async measure() {
        const from = performance.now();
        const retained = retain(at).then((gone) => ({
          roundSeconds: (performance.now() - from) / 1_000,
          rowsGone: sum(gone ?? {}),
        }));
        const [metrics, done] = await Promise.all([load.run(steady), retained]);
        const young = sum(await readCounts(db, { ...AGED, since }));
        return {
          ...metrics,
          ...done,
          ledgerMb: sum(await readSizes(db)),
          heldLeft: (await readHeld(db, AGED)) / kept.held,
          // The round one week later drops some of them.
          ...(at === now && { youngLeft: young / kept.young }),
        } satisfies Metrics;
      },
    });
    return [
      {
        name: BEFORE,
        warmUp: () => load.run({ rate: 100, seconds: 5 }),
        measure: async () => ({ ...(await load.run(steady)), ledgerMb: sum(await readSizes(db)) }),
      },
      round(FIRST, now),
      round(NOTHING, now),
      round(LATER, new Date(now.getTime() + 7 * DAY_MS)),
    ];
  },
  goals: (medians) => [
    ...[FIRST, NOTHING, LATER].map((name) => ({
      what: `${name}: share of the held deliveries that stayed`,
      found: medians(name, 'heldLeft'),
      wanted: { atLeast: 1 },
    })),
    {
      what: `${FIRST}: share of the last 30 days' rows that stayed`,
      found: medians(FIRST, 'youngLeft'),
      wanted: { atLeast: 1 },
    },
  ],
};

async function addPausedSubscription({ prisma }: Database): Promise<void> {
  const { accountId, subscriptionId: id } = AGED;
  await prisma.account.create({ data: { id: accountId } });
  const url = 'https://hooks.example.com/webhook';
  await prisma.subscription.create({ data: { id, accountId, url, status: 'paused', events: [] } });
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
