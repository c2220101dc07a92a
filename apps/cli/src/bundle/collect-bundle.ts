import { availableParallelism, release, totalmem } from 'node:os';
import type { Posthorn } from '@posthorn/client';
import { describeDatabase, migrationStatus } from '@posthorn/core/database-tools';
import { describeRedis, type QueueConnection } from '@posthorn/jobs/queue-tools';
import { effectiveSettings, type SettingName, settingNames } from '@posthorn/settings';
import { type Check, reasonOf } from '../doctor/check.js';
import { hiddenValues, maskSettings } from './mask-settings.js';
import { openMask } from './open-mask.js';
import { readLogHints } from './read-log-hints.js';
import { readMetrics } from './read-metrics.js';

/** What the parts of a bundle are read from. null: not configured here. */
export interface Sources {
  version: string;
  env: NodeJS.ProcessEnv;
  checks: Check[];
  api: { client: Posthorn; url: URL } | null;
  databaseUrl: string | null;
  directUrl: string | null;
  queue: QueueConnection | null;
  /** Values that are not in `env` and must not be in the bundle, such as the key of the API. */
  hidden: string[];
  metricsUrls: string[];
  logFiles: string[];
  now: Date;
}

/** What is in a bundle, for the person who decides about it. */
export const CONTENTS = `The bundle has:
  - versions of Posthorn, Node, Postgres and Redis, and the size of this machine
  - settings of this environment and of the API: numbers, choices and defaults; of others only whether they are set, or a hash
  - the checks of doctor
  - Postgres: settings, sizes of tables, indexes and partitions, migrations, counts of connections and locks
  - the queue: counts of jobs, deliveries and workers, and the numbers of Redis
  - metrics of the API and of the processes in --metrics
  - from the log files in --log: how often each warning and error occurred, without its fields
It has no payloads, headers, secrets, URLs, accounts, or names of machines: these are left out or replaced by hashes that differ in each bundle.`;

/** Collects a support bundle. A part that cannot be read is its error. Everything passes the mask, whatever its part has removed before. */
export async function collectBundle(sources: Sources): Promise<Record<string, unknown>> {
  const { env, api, databaseUrl, queue } = sources;
  const mask = openMask([...hiddenValues(env), ...sources.hidden]);
  const read = async (part: () => Promise<unknown>) => {
    try {
      return await part();
    } catch (error) {
      return { error: reasonOf(error) };
    }
  };
  const url = api?.url.href.replace(/\/+$/, '');
  const [ofApi, database, migrations, redis, processes] = await Promise.all([
    api && read(() => readApi(api.client)),
    databaseUrl && read(() => describeDatabase(databaseUrl)),
    databaseUrl && read(() => migrationStatus({ url: sources.directUrl ?? databaseUrl })),
    queue?.backend === 'redis' ? read(() => describeRedis(queue)) : null,
    Promise.all([...(url === undefined ? [] : [`${url}/metrics`]), ...sources.metricsUrls].map(readMetrics)),
  ]);
  const { settings: ofApiSettings, ...apiState } = (ofApi ?? {}) as Partial<Awaited<ReturnType<typeof readApi>>>;
  return {
    ...mask.json({
      format: 1,
      createdAt: sources.now.toISOString(),
      cli: { version: sources.version, node: process.version, platform: process.platform, arch: process.arch },
      machine: { cores: availableParallelism(), memoryBytes: totalmem(), kernel: release() },
      checks: sources.checks,
      api: ofApi && apiState,
      database,
      migrations,
      queue: queue && { backend: queue.backend, shards: queue.backend === 'redis' ? (queue.shards ?? 1) : 1, redis },
      processes,
    }),
    // By their own rules, which keep names of events, and defaults such as 127.0.0.1.
    log: readLogHints(sources.logFiles),
    settings: maskSettings(effectiveSettings(env, settingNames), mask),
    settingsOfApi: ofApiSettings ? maskSettings(ofApiSettings, mask) : null,
  };
}

/** Numbers and states only: the fields with accounts, host names and URLs are not taken. */
async function readApi({ routes }: Posthorn) {
  const [{ data: queues }, { data: about }] = await Promise.all([routes.GET('/v1/queues'), routes.GET('/v1/settings')]);
  const { oldestExpanding: _, ...deliveries } = queues.deliveries;
  return {
    version: about.version,
    health: about.health,
    queues: queues.queues,
    deliveries,
    subscriptions: queues.subscriptions,
    circuits: queues.circuits,
    workersAlive: queues.workersAlive,
    workers: queues.workers.map(({ hostname: __, ...worker }) => worker),
    lastDispatchAt: queues.lastDispatchAt,
    settings: about.settings as Parameters<typeof maskSettings>[0] & { name: SettingName }[],
  };
}
