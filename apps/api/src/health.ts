import type { Health, HealthCheck } from '@posthorn/contract';
import { pendingMigrations, type ReplicaStatus } from '@posthorn/core';
import { shareResult } from '@posthorn/lifecycle';
import type { ApiDeps } from './deps.js';
import type { SystemMetrics } from './system-metrics.js';

const CHECK_TIMEOUT_MS = 3_000;
/** If a delivery or a job has waited this long for a worker, no jobs are being processed. */
const LATE_SECONDS = 60;

type HealthDeps = Pick<ApiDeps, 'db' | 'checkQueue' | 'systemMetrics' | 'isDraining' | 'version' | 'probeMaxAgeMs'>;

/** Checks whether this process can serve requests (otherwise `fail`) and whether deliveries flow (otherwise `degraded`). Resolves
 *  within seconds, even if its dependencies hang. The checks run at most once per `probeMaxAgeMs`; a shutdown shows at once. */
export function openHealth(deps: HealthDeps): () => Promise<Health> {
  const readChecks = shareResult(() => runChecks(deps), { maxAgeMs: deps.probeMaxAgeMs });
  return async () => {
    const { checks, isReady, isFlowing } = await readChecks();
    const about = { version: deps.version, app: 'api' as const };
    if (deps.isDraining()) return { status: 'fail', ...about, checks: { ...checks, shutdown: { status: 'fail' } } };
    return { status: isReady ? (isFlowing ? 'ok' : 'degraded') : 'fail', ...about, checks };
  };
}

async function runChecks(deps: HealthDeps) {
  const [postgres, migrations, reached, systemMetrics] = await Promise.all([
    measure(() => deps.db.pool.query('select 1')),
    measure(() => requireMigrated(deps)),
    deps.checkQueue(),
    deps.systemMetrics(),
  ]);
  const queue = { ...reached, ...(reached.status === 'ok' && judgeQueue(systemMetrics)) };
  const flow: Record<string, HealthCheck> = {
    queue,
    workers: judgeWorkers(systemMetrics),
    deliveries: judgeDeliveries(systemMetrics),
  };
  // Without the replica, lists are read from the primary, so this check does not change the status.
  const { replica } = systemMetrics;
  const checks: Record<string, HealthCheck> = {
    postgres,
    ...(replica && { readReplica: judgeReplica(replica) }),
    migrations,
    ...flow,
  };
  const isReady = postgres.status === 'ok' && migrations.status === 'ok';
  const isFlowing = Object.values(flow).every((check) => check.status === 'ok');
  return { checks, isReady, isFlowing };
}

const UNKNOWN: HealthCheck = { status: 'fail', reason: 'could not be checked' };

function judgeWorkers({ ledger }: SystemMetrics): HealthCheck {
  if (!ledger) return UNKNOWN;
  const alive = ledger.workers.filter(({ isAlive }) => isAlive).length;
  return alive > 0
    ? { status: 'ok', alive }
    : { status: 'fail', alive, reason: 'no worker is alive, so nothing is delivered' };
}

function judgeDeliveries({ ledger }: SystemMetrics): HealthCheck {
  if (!ledger) return UNKNOWN;
  return judgeAge(ledger.oldestOverdueSeconds, 'deliveries are due, but no worker attempts them');
}

function judgeQueue({ queues }: SystemMetrics): HealthCheck {
  if (!queues) return UNKNOWN;
  const ages = Object.values(queues).map(({ oldestWaitingMs }) => oldestWaitingMs ?? 0);
  const oldestMs = Math.max(...ages);
  return judgeAge(oldestMs > 0 ? oldestMs / 1_000 : null, 'jobs are waiting, but no worker processes them');
}

function judgeReplica({ isUp, lagSeconds }: ReplicaStatus): HealthCheck {
  if (!isUp) return { status: 'fail', reason: 'unreachable, so lists are read from the primary' };
  return { status: 'ok', ...(lagSeconds !== null && { lagSeconds: Math.round(lagSeconds * 10) / 10 }) };
}

function judgeAge(seconds: number | null, late: string): HealthCheck {
  if (seconds === null) return { status: 'ok' };
  const oldestSeconds = Math.round(seconds);
  return seconds > LATE_SECONDS ? { status: 'fail', oldestSeconds, reason: late } : { status: 'ok', oldestSeconds };
}

async function requireMigrated({ db }: Pick<ApiDeps, 'db'>): Promise<void> {
  const pending = await pendingMigrations(db.pool);
  if (pending.length > 0) throw new Error('migrations are pending');
}

/** Does not return the error of a failed check: a public response must not name hosts. */
async function measure(work: () => Promise<unknown>): Promise<HealthCheck> {
  const from = performance.now();
  const latencyMs = () => Math.round(performance.now() - from);
  const tooLate = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), CHECK_TIMEOUT_MS).unref());
  try {
    const result = await Promise.race([work(), tooLate]);
    return { status: result === 'late' ? 'fail' : 'ok', latencyMs: latencyMs() };
  } catch {
    return { status: 'fail', latencyMs: latencyMs() };
  }
}
