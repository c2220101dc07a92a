import { newPayload } from './load.js';
import type { RunResult } from './save-result.js';

/** What one delivery costs, as measured. CPU in microseconds, sizes in bytes. */
export interface Cost {
  /** CPU of all processes by load in events per second, of one event per request; Infinity: flat out. In ascending order. */
  allUs: { perSecond: number; us: number }[];
  /** Flat out. */
  postgresUs: number;
  redisUs: number;
  walBytes: number;
  /** A finished delivery on disk, with its indexes. */
  deliveryBytes: number;
  /** An event of 1 KiB. */
  eventBytes: number;
  /** A job of one delivery in Redis. */
  jobBytes: number;
}

export interface Size {
  perSecond: number;
  us: number;
  /** Busy cores of all machines. */
  cores: number;
  /** Cores to provide: busy for 60 % of the time. */
  coresToProvide: number;
  /** API and worker processes together, two of each at least. */
  processes: number;
  postgresCores: number;
  redisCores: number;
  walBytesPerSecond: number;
  diskBytesPerDay: number;
  connections: number;
  redisBytes: number;
}

/** The case of the scenario flat-out. */
const FLAT_OUT = 'one event per request';
const BUSY_SHARE = 0.6;
const PAYLOAD_BYTES = 1_024;
/** One process for each of both kinds may fail. */
const LEAST_PROCESSES = 4;
/** DATABASE_POOL_SIZE, and one of a worker for LISTEN. */
const CONNECTIONS = 11;
const SECONDS_PER_DAY = 86_400;
/** Share of deliveries that fail and wait in Redis for their retries of the first hour: 5 s, 30 s, 2, 10 and 30 min. */
const FAILING_SHARE = 0.01;
const WAIT_SECONDS = 5 + 30 + 120 + 600 + 1_800;

/** Returns what a load needs. Below the highest measured rate, the cost is that of the next lower measured one, which is higher. */
export function sizeFor(cost: Cost, perSecond: number): Size {
  const us = usAt(cost, perSecond);
  const flatOutUs = cost.allUs.at(-1)?.us ?? us;
  const cores = (perSecond * us) / 1e6;
  // API and workers have the same share of the CPU at each load: only flat out it was measured.
  const ofNode = cores * (1 - (cost.postgresUs + cost.redisUs) / flatOutUs);
  const processes = Math.max(LEAST_PROCESSES, Math.ceil(ofNode / BUSY_SHARE));
  return {
    perSecond,
    us,
    cores,
    coresToProvide: Math.ceil(cores / BUSY_SHARE),
    processes,
    postgresCores: (cores * cost.postgresUs) / flatOutUs,
    redisCores: (cores * cost.redisUs) / flatOutUs,
    walBytesPerSecond: perSecond * (cost.walBytes + PAYLOAD_BYTES),
    diskBytesPerDay: perSecond * SECONDS_PER_DAY * (cost.deliveryBytes + cost.eventBytes),
    connections: processes * CONNECTIONS,
    redisBytes: perSecond * FAILING_SHARE * WAIT_SECONDS * cost.jobBytes,
  };
}

/** The cost that was measured at the highest rate up to this one; flat out from ten times the highest on. */
function usAt({ allUs }: Cost, perSecond: number): number {
  const steady = allUs.filter((one) => Number.isFinite(one.perSecond));
  const highest = steady.at(-1)?.perSecond ?? 0;
  const found = perSecond >= 10 * highest ? allUs.at(-1) : steady.findLast((one) => one.perSecond <= perSecond);
  return (found ?? allUs[0])?.us ?? Number.NaN;
}

/** Reads the costs from the last full run, and what it does not have from docs/performance.md. `full`: null: all from the page. Throws if the page
 *  lacks a number. */
export function readCost({ full, performance }: { full: RunResult | null; performance: string }): Cost {
  const number = (pattern: RegExp) => {
    const found = pattern.exec(performance)?.[1]?.replaceAll(',', '');
    if (found === undefined) throw new Error(`docs/performance.md lacks a number for the sizing: ${pattern}`);
    return Number(found);
  };
  const ofRun = full && costOfRun(full);
  const steady =
    /^\| CPU per delivery, all processes: 50\/s · 200\/s · 1,000\/s \| ([\d.]+) · ([\d.]+) · ([\d.]+) ms/m.exec(
      performance,
    );
  if (!steady) throw new Error('docs/performance.md lacks the CPU per delivery by rate');
  const [, at50, at200, at1000] = steady;
  const ofPage = {
    allUs: [
      { perSecond: 50, us: Number(at50) * 1_000 },
      { perSecond: 200, us: Number(at200) * 1_000 },
      { perSecond: 1_000, us: Number(at1000) * 1_000 },
      {
        perSecond: Number.POSITIVE_INFINITY,
        us: number(/^\| CPU per delivery, flat out: [^|]*\| ([\d.]+) ·/m) * 1_000,
      },
    ],
    postgresUs: number(/^\| of this, Postgres · Redis [^|]*\| (\d+) · /m),
    redisUs: number(/^\| of this, Postgres · Redis [^|]*\| \d+ · (\d+) µs/m),
    walBytes: number(/^\| B-tree inserts · WAL without the payload · statements, flat out \| [\d.]+ · ([\d,]+) B/m),
  };
  return {
    ...(ofRun ?? ofPage),
    deliveryBytes: number(/^On disk, a finished delivery with its attempt takes \d+ → (\d+) bytes/m),
    eventBytes: number(/^\| events: row [^|]*\|[^|]*\| [\d,]+ → [\d,]+ → ([\d,]+) \|/m),
    jobBytes: number(/one job of one delivery takes (\d+) bytes of Redis/),
  };
}

/** null: the run has not measured all of it. */
function costOfRun({ scenarios }: RunResult): Omit<Cost, 'deliveryBytes' | 'eventBytes' | 'jobBytes'> | null {
  const metric = (scenario: string, name: string, of: string) =>
    scenarios.find((one) => one.scenario === scenario)?.found[name]?.[of]?.median ?? null;
  const flatOut = (of: string) => metric('flat-out', FLAT_OUT, of);
  const [allUs, postgresUs, redisUs, walBytes] = [
    flatOut('systemUs'),
    flatOut('postgresUs'),
    flatOut('redisUs'),
    flatOut('walBytes'),
  ];
  const steady = [50, 200, 1_000].flatMap((perSecond) => {
    const us = metric('steady', `${perSecond}/s`, 'systemUs');
    return us === null ? [] : [{ perSecond, us }];
  });
  if (allUs === null || postgresUs === null || redisUs === null || walBytes === null || steady.length < 3) return null;
  return {
    allUs: [...steady, { perSecond: Number.POSITIVE_INFINITY, us: allUs }],
    postgresUs,
    redisUs,
    walBytes: walBytes - newPayload(0).length,
  };
}
