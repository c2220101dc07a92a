import type { Percentiles } from './statistics.js';

export interface MetricFormat {
  title: string;
  digits: number;
  /** Groups share a table: what the system reaches, and what each delivery costs. */
  group: 'reach' | 'cost';
}

const reach = (title: string, digits: number): MetricFormat => ({ title, digits, group: 'reach' });
const cost = (title: string, digits: number): MetricFormat => ({ title, digits, group: 'cost' });

/** In the order of the columns. The CPU of a part `x` is the metric `xUs`, and its memory `xMb`. */
const FORMATS: Record<string, MetricFormat> = {
  perSecond: reach('per second', 0),
  p50Ms: reach('p50 ms', 1),
  p95Ms: reach('p95 ms', 1),
  p99Ms: reach('p99 ms', 1),
  maxMs: reach('max ms', 1),
  acceptedMs: reach('202 ms', 1),
  acceptedP50Ms: reach('202 p50 ms', 1),
  acceptedP99Ms: reach('202 p99 ms', 1),
  besideP99Ms: reach('beside: 202 p99 ms', 1),
  secondsToAll: reach('s to the last', 2),
  roundSeconds: reach('round s', 1),
  roundMs: reach('round ms', 1),
  leased: reach('leased', 0),
  rowsRead: reach('rows', 0),
  buffersRead: reach('buffers', 0),
  rowsToChoose: reach('rows to choose one', 1),
  rowsPerLease: reach('rows per lease', 1),
  buffersPerLease: reach('buffers per lease', 1),
  roundsPerDelivery: reach('rounds per delivery', 3),
  deltasMost: reach('max deltas', 0),
  deltasLeft: reach('deltas at the end', 0),
  statRows: reach('rows of stats', 0),
  rowsPerDelivery: cost('rows read', 2),
  buffersPerDelivery: cost('buffers', 1),
  rowsGone: reach('rows deleted', 0),
  ledgerMb: reach('ledger MB', 0),
  heldLeft: reach('held kept', 3),
  youngLeft: reach('recent kept', 3),
  earliestMs: reach('earliest ms', 1),
  offPercent: reach('deviation %', 1),
  status: reach('status', 0),
  cpuMs: reach('CPU ms', 1),
  longestTurnMs: reach('max event loop ms', 1),
  livezMs: reach('/livez ms', 1),
  readKib: reach('KiB read', 0),
  idlePercent: reach('% of a core', 2),
  apiMb: reach('api MB', 0),
  workerMb: reach('worker MB', 0),
  apiGrowthMb: reach('api MB, last half', 0),
  workerGrowthMb: reach('worker MB, last half', 0),
  systemUs: cost('all µs', 0),
  apiUs: cost('api µs', 0),
  workerUs: cost('worker µs', 0),
  postgresUs: cost('postgres µs', 0),
  redisUs: cost('redis µs', 0),
  sinkUs: cost('sink µs', 0),
  indexInserts: cost('B-tree inserts', 1),
  walBytes: cost('WAL bytes', 0),
  statements: cost('statements', 2),
  redisCommands: cost('Redis commands', 1),
  apiWakes: cost('api wake-ups', 1),
  apiReads: cost('api reads', 1),
  apiWrites: cost('api writes', 1),
  workerWakes: cost('worker wake-ups', 1),
  workerReads: cost('worker reads', 1),
  workerWrites: cost('worker writes', 1),
  othersPercent: cost('others % of a core', 0),
};

/** The metrics that occur, in the order of the columns; parts that only another system has come last. */
export function orderMetrics(names: Iterable<string>): string[] {
  const found = new Set(names);
  const known = Object.keys(FORMATS).filter((name) => found.has(name));
  return [...known, ...[...found].filter((name) => !(name in FORMATS)).toSorted()];
}

export function formatOf(name: string): MetricFormat {
  const known = FORMATS[name];
  if (known) return known;
  return name.endsWith('Us') ? cost(`${name.slice(0, -2)} µs`, 0) : reach(name, 1);
}

/** The latencies of accepted publishes as metrics. */
export const acceptedMetrics = ({ p50Ms, p99Ms }: Percentiles) => ({ acceptedP50Ms: p50Ms, acceptedP99Ms: p99Ms });
