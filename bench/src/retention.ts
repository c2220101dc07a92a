import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Database, migrateUp, openDatabase, openRetention } from '@posthorn/core';
import { startPostgres } from '@posthorn/embedded';
import { fillLedger, readCounts, readOwed, readSizes } from './aged-ledger.js';
import { percentiles } from './statistics.js';
import { startLoad } from './steady-load.js';

const USAGE = `npm run bench:retention -- [--events 1000000] [--rate 100] [--seconds 20]
Fills a ledger with so many events of the last 40 days, 1.5 deliveries and 2.5 attempts of each, lets retention (30 days) run
beside a steady load, and prints what the load noticed, what went and what stayed.`;

const DAY_MS = 24 * 60 * 60 * 1_000;
const RETENTION_DAYS = 30;
const AGED = { accountId: 'aged', subscriptionId: '00000000-0000-7000-8000-000000000001' };
const LIVE = { accountId: 'live', subscriptionId: '00000000-0000-7000-8000-000000000002' };
const log = { debug() {}, info() {}, warn: console.warn, error: console.error };

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '20' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const [events, rate, seconds] = [Number(values.events), Number(values.rate), Number(values.seconds)];

const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
const postgres = await startPostgres({ directory: join(folder, 'postgres'), log: () => {} });
const open = (name: string): Database =>
  openDatabase({ url: postgres.url, applicationName: `bench ${name}`, maxConnections: 10, log });
const [api, worker, retaining] = [open('api'), open('worker'), open('retention')];
try {
  await migrateUp({ url: postgres.url, log });
  for (const { accountId, subscriptionId } of [AGED, LIVE]) {
    await api.prisma.account.create({ data: { id: accountId } });
    const url = 'https://hooks.example.com/webhook';
    const status = accountId === AGED.accountId ? 'paused' : 'active';
    await api.prisma.subscription.create({ data: { id: subscriptionId, accountId, url, status, events: [] } });
  }
  const now = new Date();
  const since = new Date(now.getTime() - RETENTION_DAYS * DAY_MS);
  const start = performance.now();
  await fillLedger(api, { events, now, ...AGED });
  const all = await readCounts(api, { ...AGED, since: new Date(0) });
  const before = {
    owed: await readOwed(api, AGED),
    sizes: await readSizes(api),
    young: await readCounts(api, { ...AGED, since }),
  };
  console.log(`filled in ${((performance.now() - start) / 1_000).toFixed(0)} s:`, all);

  const load = startLoad({ api, worker, accountId: LIVE.accountId, rate, log });
  const phases: Record<string, Record<string, number>> = {};
  async function phase<T>(name: string, work: () => Promise<T>): Promise<T> {
    load.takeLatencies();
    const from = performance.now();
    const result = await work();
    const latencies = load.takeLatencies();
    const { p50Ms, p99Ms, maxMs } = percentiles(latencies);
    const rounded = Object.entries({ p50Ms, p99Ms, maxMs }).map(([key, ms]) => [key, Math.round(ms * 10) / 10]);
    phases[name] = {
      seconds: Math.round((performance.now() - from) / 100) / 10,
      events: latencies.length,
      ...(Object.fromEntries(rounded) as Record<string, number>),
    };
    return result;
  }
  const options = { db: retaining, retentionDays: RETENTION_DAYS, payloadRetentionDays: null, log };
  const retain = (at: Date) => openRetention({ ...options, now: () => at }).run(new AbortController().signal);

  await pause(5_000); // until V8 has compiled it and the statements are planned
  await phase('before', () => pause(seconds * 1_000));
  const first = await phase('a first round', () => retain(now));
  const young = await readCounts(api, { ...AGED, since });
  await phase('between', () => pause(seconds * 1_000));
  await phase('a round with nothing to do', () => retain(now));
  const second = await phase('a round, one week on', () => retain(new Date(now.getTime() + 7 * DAY_MS)));
  await phase('after', () => pause(seconds * 1_000));
  await load.stop();
  const delivered = await api.prisma.delivery.count({ where: { accountId: LIVE.accountId, status: 'succeeded' } });

  console.log(`\nfrom publish to recorded, at ${rate} events/s`);
  console.table(phases);
  console.log('rows that went (of dropped slices as Postgres estimates it)');
  console.table({ 'first round': first, 'one week on': second });
  console.log('MB with indexes');
  console.table({ before: before.sizes, after: await readSizes(api) });
  console.log('what had to stay');
  console.table({
    ...Object.fromEntries(
      Object.entries(before.young).map(([table, count]) => [
        `${table} of the last 30 days`,
        { before: count, after: young[table] },
      ]),
    ),
    'owed, with its event': { before: before.owed, after: await readOwed(api, AGED) },
    'published meanwhile, and delivered': { before: load.published(), after: delivered },
  });
} finally {
  await Promise.all([api, worker, retaining].map((db) => db.close()));
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
