import { chooseQueue } from '@posthorn/jobs';
import { type AllowList, parseAllowList } from '@posthorn/sender';
import { SettingsError, readEnv } from '@posthorn/settings';

/** A worker's settings, shaped. Throws one SettingsError with every problem. */
export function readWorkerEnv(env: NodeJS.ProcessEnv) {
  const found = readEnv(env, [
    'DATABASE_URL',
    'DATABASE_POOL_SIZE',
    'REDIS_URL',
    'QUEUE_BACKEND',
    'POSTHORN_ENCRYPTION_KEY',
    'POSTHORN_ENCRYPTION_KEYS_OLD',
    'ALLOW_PRIVATE_NETWORKS',
    'REQUIRE_HTTPS',
    'RETRY_SCHEDULE_SECONDS',
    'DELIVERY_TIMEOUT_MS',
    'WORKER_CONCURRENCY',
    'WORKER_HEALTH_HOST',
    'WORKER_HEALTH_PORT',
    'FAILING_AFTER_DAYS',
    'OPERATIONS_ACCOUNT',
    'HONOR_DISABLE_HEADER',
    'RETENTION_DAYS',
    'PAYLOAD_RETENTION_DAYS',
    'AUDIT_RETENTION_DAYS',
    'SHUTDOWN_TIMEOUT_MS',
    'LOG_LEVEL',
  ]);
  const queue = chooseQueue(found);
  const allowPrivate = readAllowList(found.allowPrivateNetworks);
  if (typeof queue === 'string' || typeof allowPrivate === 'string') {
    throw new SettingsError([queue, allowPrivate].filter((problem) => typeof problem === 'string'));
  }
  return { ...found, queue, allowPrivate };
}

/** A string says what is wrong with it. */
function readAllowList(text: string): AllowList | string {
  try {
    return parseAllowList(text);
  } catch (error) {
    return `ALLOW_PRIVATE_NETWORKS: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export type WorkerEnv = ReturnType<typeof readWorkerEnv>;
