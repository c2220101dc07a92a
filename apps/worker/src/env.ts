import { toRetryRules } from '@posthorn/core';
import { chooseQueue } from '@posthorn/jobs';
import { type AddressPolicy, readAddressPolicy } from '@posthorn/sender';
import { QUEUE_SETTINGS, SettingsError, readEmailSettings, readEnv } from '@posthorn/settings';

/** A worker's settings. Throws one SettingsError with every problem. */
export function readWorkerEnv(env: NodeJS.ProcessEnv) {
  const found = readEnv(env, [
    ...QUEUE_SETTINGS,
    'DATABASE_POOL_SIZE',
    'POSTHORN_ENCRYPTION_KEY',
    'POSTHORN_ENCRYPTION_KEYS_OLD',
    'ALLOW_PRIVATE_NETWORKS',
    'DENY_NETWORKS',
    'PUBLIC_URL',
    'SMTP_URL',
    'EMAIL_FROM',
    'REQUIRE_HTTPS',
    'RETRY_SCHEDULE_SECONDS',
    'DELIVERY_TIMEOUT_MS',
    'MAX_ATTEMPTS',
    'MAX_RETRY_DAYS',
    'MIN_RETRY_WAIT_SECONDS',
    'MAX_DELIVERY_TIMEOUT_MS',
    'WORKER_CONCURRENCY',
    'DELIVERIES_PER_JOB',
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
  const addresses = readPolicy({
    allowPrivateNetworks: found.allowPrivateNetworks,
    denyNetworks: found.denyNetworks,
    requireHttps: found.requireHttps,
    publicUrl: found.publicUrl,
  });
  const email = readEmailSettings(found);
  if (typeof queue === 'string' || typeof addresses === 'string' || typeof email === 'string') {
    throw new SettingsError([queue, addresses, email].filter((problem) => typeof problem === 'string'));
  }
  return {
    ...found,
    queue,
    addresses,
    email,
    retries: toRetryRules({
      retryScheduleSeconds: found.retryScheduleSeconds,
      deliveryTimeoutMs: found.deliveryTimeoutMs,
      maxAttempts: found.maxAttempts,
      maxRetryDays: found.maxRetryDays,
      minRetryWaitSeconds: found.minRetryWaitSeconds,
      maxDeliveryTimeoutMs: found.maxDeliveryTimeoutMs,
    }),
  };
}

/** A string describes the problem. */
function readPolicy(settings: Parameters<typeof readAddressPolicy>[0]): AddressPolicy | string {
  try {
    return readAddressPolicy(settings);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export type WorkerEnv = ReturnType<typeof readWorkerEnv>;
