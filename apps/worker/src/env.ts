import { toRetryRules } from '@posthorn/core';
import { chooseQueue } from '@posthorn/jobs';
import { type AddressPolicy, readAddressPolicy, readAuthoritiesFile } from '@posthorn/sender';
import {
  QUEUE_SETTINGS,
  SettingsError,
  TELEMETRY_SETTINGS,
  readEmailSettings,
  readEnv,
  readTelemetrySettings,
} from '@posthorn/settings';

/** A worker's settings. Throws one SettingsError with every problem. */
export function readWorkerEnv(env: NodeJS.ProcessEnv) {
  const found = readEnv(env, [
    ...QUEUE_SETTINGS,
    ...TELEMETRY_SETTINGS,
    'DATABASE_POOL_SIZE',
    'POSTHORN_ENCRYPTION_KEY',
    'POSTHORN_ENCRYPTION_KEYS_OLD',
    'ALLOW_PRIVATE_NETWORKS',
    'DENY_NETWORKS',
    'EXTRA_CA_CERTS',
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
    'SEND_TRACEPARENT',
    'RETENTION_DAYS',
    'PAYLOAD_RETENTION_DAYS',
    'AUDIT_RETENTION_DAYS',
    'SHUTDOWN_TIMEOUT_MS',
    'LOG_LEVEL',
  ]);
  return { ...found, ...readParts(found), retries: toRetryRules(found) };
}

type Found = QueueInput &
  Parameters<typeof readAddressPolicy>[0] &
  EmailInput &
  TelemetryInput & { extraCaCerts: string | null };
type QueueInput = Parameters<typeof chooseQueue>[0];
type EmailInput = Parameters<typeof readEmailSettings>[0];
type TelemetryInput = Parameters<typeof readTelemetrySettings>[0];

/** Parses what has more than one setting or a file. Throws one SettingsError with every problem. */
function readParts(found: Found) {
  const queue = chooseQueue(found);
  const addresses = readPolicy({
    allowPrivateNetworks: found.allowPrivateNetworks,
    denyNetworks: found.denyNetworks,
    requireHttps: found.requireHttps,
    publicUrl: found.publicUrl,
  });
  const email = readEmailSettings(found);
  const authorities = readAuthoritiesFile(found.extraCaCerts);
  if (
    typeof queue === 'string' ||
    typeof addresses === 'string' ||
    typeof email === 'string' ||
    typeof authorities === 'string'
  ) {
    const problems = [queue, addresses, email, authorities].filter((problem) => typeof problem === 'string');
    throw new SettingsError(problems);
  }
  return {
    queue,
    addresses,
    email,
    authorities,
    telemetry: readTelemetrySettings(found, { serviceName: 'posthorn-worker' }),
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
