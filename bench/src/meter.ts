import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Dialect } from './dialect.js';
import { cpuUs, machineBusyUs } from './read-cpu.js';
import { readSystemCalls, type SystemCalls } from './read-system-calls.js';
import type { Metrics } from './scenario.js';
import { formatTable } from './table.js';

/** Measures the work of a system's processes and stores per delivery. */
export interface Meter {
  start(): Promise<Metering>;
  close(): Promise<void>;
}
export interface Metering {
  /** Returns the usage since the start, divided by this many deliveries. */
  stop(deliveries: number): Promise<Metrics>;
}

export type Metered = Pick<Dialect, 'pids' | 'databaseUrl' | 'redisUrl'>;

interface Reading {
  at: number;
  /** By part, including the endpoints. */
  cpu: Record<string, number>;
  /** System calls of the API and of the workers. */
  calls: Record<string, SystemCalls>;
  ownUs: number;
  machineUs: number;
  redisCommands: number | null;
  postgres: { lsn: string; statements: number | null } | null;
}

/** Reads the write-ahead log, which has one record per B-tree insert (pg_walinspect). */
export async function openMeter(
  system: Metered,
  {
    sinkPid,
    onStatements,
  }: {
    sinkPid: number;
    /** Called at the end of each metering with a table of the statements that took Postgres longest. */
    onStatements?: (table: string) => void;
  },
): Promise<Meter> {
  const redis = system.redisUrl ? new Redis(system.redisUrl) : null;
  const postgres = system.databaseUrl ? await openPostgresMeter(system.databaseUrl) : null;

  async function read(): Promise<Reading> {
    const { user, system: kernel } = process.cpuUsage();
    const info = await redis?.info('stats');
    return {
      at: performance.now(),
      cpu: readParts({ ...system.pids?.(), sink: [sinkPid] }),
      calls: readCalls(system),
      ownUs: user + kernel,
      machineUs: machineBusyUs(),
      redisCommands: info === undefined ? null : Number(/total_commands_processed:(\d+)/.exec(info)?.[1]),
      postgres: (await postgres?.read()) ?? null,
    };
  }

  return {
    async start() {
      const statements = onStatements && (await postgres?.readStatements());
      const before = await read();
      return {
        async stop(deliveries) {
          const after = await read();
          if (statements) onStatements?.(costliest(statements, (await postgres?.readStatements()) ?? {}, deliveries));
          const each = (from: number | null, to: number | null) =>
            from === null || to === null ? null : (to - from) / deliveries;
          const cpu = Object.entries(after.cpu).map(([part, us]) => [part, us - (before.cpu[part] ?? 0)] as const);
          const systemUs = sum(cpu.filter(([part]) => part !== 'sink').map(([, us]) => us));
          const oursUs = sum(cpu.map(([, us]) => us)) + after.ownUs - before.ownUs;
          const otherUs = Math.max(0, after.machineUs - before.machineUs - oursUs);
          return {
            systemUs: system.pids ? systemUs / deliveries : null,
            ...Object.fromEntries(cpu.map(([part, us]) => [`${part}Us`, us / deliveries])),
            ...(postgres &&
              before.postgres &&
              after.postgres && {
                ...(await postgres.written(before.postgres.lsn, after.postgres.lsn, deliveries)),
                statements: each(before.postgres.statements, after.postgres.statements),
              }),
            ...(redis && { redisCommands: each(before.redisCommands, after.redisCommands) }),
            ...callsPer(deliveries, before.calls, after.calls),
            ...memory(system),
            othersPercent: system.pids ? otherUs / (after.at - before.at) / 10 : null,
          };
        },
      };
    },
    async close() {
      redis?.disconnect();
      await postgres?.close();
    },
  };
}

async function openPostgresMeter(databaseUrl: string) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('CREATE EXTENSION IF NOT EXISTS pg_walinspect');
  const { rows: preloaded } = await client.query<{ shared_preload_libraries: string }>('SHOW shared_preload_libraries');
  const hasStatements = preloaded[0]?.shared_preload_libraries.includes('pg_stat_statements') === true;
  if (hasStatements) await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  const statements = hasStatements ? '(SELECT sum(calls)::float8 FROM pg_stat_statements)' : 'NULL::float8';
  return {
    async read() {
      const { rows } = await client.query<{ lsn: string; statements: number | null }>(
        `SELECT pg_current_wal_insert_lsn() AS lsn, ${statements} AS statements`,
      );
      return rows[0] ?? null;
    },
    /** By text. Without pg_stat_statements, none. */
    async readStatements(): Promise<Record<string, StatementCost>> {
      if (!hasStatements) return {};
      const { rows } = await client.query<StatementCost & { query: string }>(
        `SELECT query, sum(calls)::float8 AS calls, sum(total_exec_time * 1000)::float8 AS us, sum(rows)::float8 AS rows,
           sum(shared_blks_hit + shared_blks_read)::float8 AS buffers
         FROM pg_stat_statements GROUP BY query`,
      );
      return Object.fromEntries(rows.map(({ query, ...cost }) => [query, cost]));
    },
    /** Without full-page images, whose number depends on checkpoints. */
    async written(from: string, to: string, deliveries: number) {
      await client.query('SELECT pg_switch_wal()'); // the end of the current file cannot be read
      const { rows } = await client.query<{ inserts: number; bytes: number }>(
        `SELECT coalesce(sum(count) FILTER (WHERE "resource_manager/record_type" ~ '^Btree/(INSERT_LEAF|INSERT_POST|SPLIT_)'), 0)::float8 AS inserts,
           coalesce(sum(record_size), 0)::float8 AS bytes
         FROM pg_get_wal_stats($1, $2, true)`,
        [from, to],
      );
      return { indexInserts: (rows[0]?.inserts ?? 0) / deliveries, walBytes: (rows[0]?.bytes ?? 0) / deliveries };
    },
    close: () => client.end(),
  };
}

interface StatementCost {
  calls: number;
  us: number;
  rows: number;
  buffers: number;
}

const SHOWN_STATEMENTS = 12;
const NO_COST: StatementCost = { calls: 0, us: 0, rows: 0, buffers: 0 };

/** The statements that took longest between two readings, per delivery. */
function costliest(
  before: Record<string, StatementCost>,
  after: Record<string, StatementCost>,
  deliveries: number,
): string {
  const spent = Object.entries(after).map(([query, to]) => {
    const from = before[query] ?? NO_COST;
    const each = (name: keyof StatementCost) => (to[name] - from[name]) / deliveries;
    return {
      query,
      us: each('us'),
      cells: [each('calls').toFixed(4), each('rows').toFixed(2), each('buffers').toFixed(1)],
    };
  });
  const rows = spent
    .toSorted((a, b) => b.us - a.us)
    .slice(0, SHOWN_STATEMENTS)
    .map(({ query, us, cells }) => [query.replaceAll(/\s+/g, ' ').slice(0, 90), us.toFixed(1), ...cells]);
  return formatTable(['statement, per delivery', 'µs', 'calls', 'rows', 'buffers'], rows);
}

function readParts(pids: Record<string, number[]>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([part, list]) => [part, sum(list.map(cpuUs))]));
}

const NODE_PARTS = ['api', 'worker'];

function readCalls(system: Metered): Record<string, SystemCalls> {
  const pids = system.pids?.() ?? {};
  return Object.fromEntries(NODE_PARTS.map((part) => [part, readSystemCalls(pids[part] ?? [])]));
}

/** Metrics such as `apiWakes` and `workerReads`. */
function callsPer(
  deliveries: number,
  before: Record<string, SystemCalls>,
  after: Record<string, SystemCalls>,
): Metrics {
  const each = Object.entries(after).flatMap(([part, calls]) =>
    Object.entries(calls).map(([call, count]) => {
      const from = before[part]?.[call as keyof SystemCalls] ?? Number.NaN;
      return [`${part}${call[0]?.toUpperCase()}${call.slice(1)}`, (count - from) / deliveries] as const;
    }),
  );
  return Object.fromEntries(each.filter(([, count]) => Number.isFinite(count)));
}

/** Megabytes of the largest API process and the largest worker. */
function memory(system: Metered): Metrics {
  const pids = system.pids?.() ?? {};
  return Object.fromEntries(
    NODE_PARTS.filter((part) => pids[part]?.length).map((part) => [`${part}Mb`, rssMb(pids[part] ?? [])]),
  );
}

/** Looks at the memory of the system's processes five times per second. `stop` returns the most that it has seen, of the largest API process
 *  and the largest worker. */
export function watchMemory(system: Metered): { stop: () => Metrics } {
  let most = memory(system);
  const look = () => {
    const now = memory(system);
    most = Object.fromEntries(Object.keys(now).map((part) => [part, Math.max(now[part] ?? 0, most[part] ?? 0)]));
  };
  const timer = setInterval(look, 200);
  return {
    stop() {
      clearInterval(timer);
      look();
      return most;
    },
  };
}

/** Megabytes of the largest of these processes. NaN without /proc. */
export function rssMb(pids: number[]): number {
  const sizes = pids.map((pid) => {
    try {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
    } catch {
      return Number.NaN; // it ended meanwhile
    }
  });
  return Math.max(...sizes);
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
