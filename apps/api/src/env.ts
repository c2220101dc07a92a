import { type RetryRules, toRetryRules } from '@posthorn/core';
import { chooseQueue, type QueueConnection } from '@posthorn/jobs';
import {
  type EffectiveSetting,
  effectiveSettings,
  QUEUE_SETTINGS,
  readEmailSettings,
  readEnv,
  readTelemetrySettings,
  SettingsError,
  TELEMETRY_SETTINGS,
  unknownNames,
} from '@posthorn/settings';
import { type AddressPolicy, readAddressPolicy } from '@posthorn/sender';
import type { TelemetrySettings } from '@posthorn/telemetry';

/** The settings of the API. null: off. */
export interface Env {
  databaseUrl: string;
  /** Set if databaseUrl leads to a pooler in transaction mode. */
  databaseDirectUrl: string | null;
  /** A read replica for lists and statistics. */
  databaseReadUrl: string | null;
  databasePoolSize: number;
  queue: QueueConnection;
  deliveriesPerJob: number;
  host: string;
  port: number;
  operatorKey: string;
  operationsAccount: string;
  encryptionKey: string;
  encryptionKeysOld: string[];
  publicUrl: string | null;
  trustedProxies: string[];
  /** Whether there is a mail server. */
  sendsEmails: boolean;
  /** URL of Bull Board for operators. */
  boardUrl: string | null;
  /** For the Content-Security-Policy of the portal. */
  portalFrameAncestors: string[];
  sessionSeconds: number;
  sessionIdleSeconds: number;
  maxSubscriptionsPerAccount: number;
  /** Decides which URLs subscriptions may have. */
  addresses: AddressPolicy;
  /** The same as the workers'. */
  retries: RetryRules;
  shutdownDelayMs: number;
  shutdownTimeoutMs: number;
  /** The OpenTelemetry collector. */
  telemetry: TelemetrySettings | null;
  logLevel: string;
  /** Names of set but unknown variables: probably typos. */
  unknown: string[];
  /** All settings, for /v1/settings. */
  effective: EffectiveSetting[];
}

const NAMES = [
  ...QUEUE_SETTINGS,
  ...TELEMETRY_SETTINGS,
  'DATABASE_READ_URL',
  'DATABASE_POOL_SIZE',
  'DELIVERIES_PER_JOB',
  'API_HOST',
  'API_PORT',
  'POSTHORN_OPERATOR_KEY',
  'POSTHORN_ENCRYPTION_KEY',
  'POSTHORN_ENCRYPTION_KEYS_OLD',
  'OPERATIONS_ACCOUNT',
  'PUBLIC_URL',
  'SMTP_URL',
  'EMAIL_FROM',
  'POSTHORN_BOARD_URL',
  'TRUSTED_PROXIES',
  'PORTAL_FRAME_ANCESTORS',
  'SESSION_HOURS',
  'SESSION_IDLE_MINUTES',
  'MAX_SUBSCRIPTIONS_PER_ACCOUNT',
  'ALLOW_PRIVATE_NETWORKS',
  'DENY_NETWORKS',
  'REQUIRE_HTTPS',
  'RETRY_SCHEDULE_SECONDS',
  'DELIVERY_TIMEOUT_MS',
  'MAX_ATTEMPTS',
  'MAX_RETRY_DAYS',
  'MIN_RETRY_WAIT_SECONDS',
  'MAX_DELIVERY_TIMEOUT_MS',
  'SHUTDOWN_DELAY_MS',
  'SHUTDOWN_TIMEOUT_MS',
  'LOG_LEVEL',
] as const;

/** Reads the environment once. Throws a SettingsError that lists every problem. */
export function readApiEnv(env: NodeJS.ProcessEnv): Env {
  const read = readEnv(env, NAMES);
  return {
    databaseUrl: read.databaseUrl,
    databaseDirectUrl: read.databaseDirectUrl,
    databaseReadUrl: read.databaseReadUrl,
    databasePoolSize: read.databasePoolSize,
    queue: queueOf(read),
    deliveriesPerJob: read.deliveriesPerJob,
    host: read.apiHost,
    port: read.apiPort,
    operatorKey: read.operatorKey,
    operationsAccount: read.operationsAccount,
    encryptionKey: read.encryptionKey,
    encryptionKeysOld: read.encryptionKeysOld,
    publicUrl: read.publicUrl,
    sendsEmails: emailsOf(read),
    boardUrl: read.boardUrl,
    trustedProxies: read.trustedProxies,
    portalFrameAncestors: read.portalFrameAncestors,
    sessionSeconds: Math.round(read.sessionHours * 3_600),
    sessionIdleSeconds: Math.round(read.sessionIdleMinutes * 60),
    maxSubscriptionsPerAccount: read.maxSubscriptionsPerAccount,
    addresses: policyOf({
      allowPrivateNetworks: read.allowPrivateNetworks,
      denyNetworks: read.denyNetworks,
      requireHttps: read.requireHttps,
      publicUrl: read.publicUrl,
    }),
    retries: toRetryRules({
      retryScheduleSeconds: read.retryScheduleSeconds,
      deliveryTimeoutMs: read.deliveryTimeoutMs,
      maxAttempts: read.maxAttempts,
      maxRetryDays: read.maxRetryDays,
      minRetryWaitSeconds: read.minRetryWaitSeconds,
      maxDeliveryTimeoutMs: read.maxDeliveryTimeoutMs,
    }),
    shutdownDelayMs: read.shutdownDelayMs,
    shutdownTimeoutMs: read.shutdownTimeoutMs,
    telemetry: readTelemetrySettings(read, { serviceName: 'posthorn-api' }),
    logLevel: read.logLevel,
    unknown: unknownNames(env),
    effective: effectiveSettings(env, NAMES),
  };
}

function queueOf(read: Parameters<typeof chooseQueue>[0]): QueueConnection {
  const queue = chooseQueue(read);
  if (typeof queue === 'string') throw new SettingsError([queue]);
  return queue;
}

function emailsOf(read: Parameters<typeof readEmailSettings>[0]): boolean {
  const settings = readEmailSettings(read);
  if (typeof settings === 'string') throw new SettingsError([settings]);
  return settings !== null;
}

function policyOf(settings: Parameters<typeof readAddressPolicy>[0]): AddressPolicy {
  try {
    return readAddressPolicy(settings);
  } catch (error) {
    throw new SettingsError([error instanceof Error ? error.message : String(error)]);
  }
}
