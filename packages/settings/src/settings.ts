import type { z } from 'zod';
import {
  accountId,
  addresses,
  flag,
  hosts,
  keyValues,
  list,
  mailAddress,
  number,
  oneOf,
  origins,
  port,
  secretKey,
  servers,
  text,
  url,
  wholeNumber,
  encryptionKey,
  durations,
} from './fields.js';

/**
 * One environment variable. `default` has the format of the variable; null means unset, and an unset setting reads as null.
 * A `required` setting must be set, except in the local stack if `localStack` is given.
 */
export type Setting = {
  readonly schema: z.ZodType<unknown, string>;
  readonly default: string | null;
  readonly description: string;
  /** Must be set, because no default makes sense. */
  readonly required?: true;
  /** The default in the local stack, if it differs. null: the local stack creates or finds the value. */
  readonly localStack?: string | null;
  /** Never printed. `<NAME>_FILE` may name a file that contains the value. */
  readonly secret?: true;
};

/** Every environment variable that an app reads. `.env.example` and the table of docs/settings.md are generated from it. */
export const settings = {
  DATABASE_URL: {
    schema: url('postgres', 'postgresql'),
    default: null,
    required: true,
    localStack: null,
    secret: true,
    description: 'Postgres 15 or newer, `postgres://user:password@host:5432/name`. The local stack runs its own.',
  },
  DATABASE_DIRECT_URL: {
    schema: url('postgres', 'postgresql'),
    default: null,
    secret: true,
    description:
      'Direct connection to Postgres, needed if `DATABASE_URL` is a connection pooler in transaction mode. Used for migrations, ' +
      '`LISTEN`, session locks and BullMQ on Postgres. Default: `DATABASE_URL`, which may be a pooler in session mode.',
  },
  DATABASE_READ_URL: {
    schema: url('postgres', 'postgresql'),
    default: null,
    secret: true,
    description:
      'A read replica for lists and statistics, directly or through a pooler in session mode. Responses may lag behind; the header ' +
      '`Posthorn-Read-Lag-Seconds` contains the lag. While the replica is unavailable, `DATABASE_URL` is used.',
  },
  DATABASE_POOL_SIZE: {
    schema: wholeNumber(1, 1000),
    default: '10',
    description:
      'Connections to Postgres per process, and the same number to the read replica. A worker opens one more for `LISTEN`. ' +
      'Keep the sum over all processes at least ten below `max_connections`.',
  },
  REDIS_URL: {
    schema: url('redis', 'rediss'),
    default: null,
    secret: true,
    description:
      'Redis 7 or Valkey for BullMQ, `redis://host:6379`, with `noeviction` and append-only files. ' +
      'Default in the local stack: a private server from the PATH, otherwise BullMQ on Postgres.',
  },
  REDIS_CLUSTER_NODES: {
    schema: servers(6379),
    default: '',
    description:
      'Instead of `REDIS_URL`: some nodes of a Redis Cluster, `host:6379`, comma-separated. Posthorn discovers the other nodes. ' +
      'Set `QUEUE_SHARDS` as well.',
  },
  REDIS_SENTINELS: {
    schema: servers(26379),
    default: '',
    description: 'Instead of `REDIS_URL`: Redis Sentinels, `host:26379`, comma-separated.',
  },
  REDIS_SENTINEL_NAME: {
    schema: text(),
    default: 'mymaster',
    description: 'Name of the primary in the Sentinels’ configuration.',
  },
  REDIS_SENTINEL_USERNAME: { schema: text(), default: null, description: 'ACL user of the Sentinels themselves.' },
  REDIS_SENTINEL_PASSWORD: {
    schema: text(),
    default: null,
    secret: true,
    description: 'Password of the Sentinels themselves, if they require one.',
  },
  REDIS_USERNAME: {
    schema: text(),
    default: null,
    description: 'ACL user of a Cluster, or of the servers that Sentinels monitor. `REDIS_URL` contains its own.',
  },
  REDIS_PASSWORD: {
    schema: text(),
    default: null,
    secret: true,
    description: 'Password of a Cluster, or of the servers that Sentinels monitor. `REDIS_URL` contains its own.',
  },
  REDIS_TLS: {
    schema: flag(),
    default: 'false',
    description:
      '`true` connects to a Cluster, or to Sentinels and their servers, over TLS. For `REDIS_URL`, write `rediss://`.',
  },
  REDIS_TLS_CA_FILE: {
    schema: text(),
    default: null,
    description: 'Path of a certificate authority (PEM) for Redis over TLS. Default: the authorities that Node trusts.',
  },
  QUEUE_SHARDS: {
    schema: wholeNumber(1, 64),
    default: '1',
    description:
      'Number of Redis hash slots that share the delivery jobs. For a Cluster, set four per primary; otherwise 1. ' +
      'All processes must use the same number.',
  },
  QUEUE_BACKEND: {
    schema: oneOf('auto', 'redis', 'postgres'),
    default: 'auto',
    description: 'Where BullMQ stores its jobs. `auto` uses Redis if it is configured, otherwise Postgres.',
  },
  API_HOST: {
    schema: text(),
    default: '0.0.0.0',
    localStack: '127.0.0.1',
    description: 'Address that the API listens on.',
  },
  API_PORT: { schema: port(), default: '3400', description: 'Port of the API; 0 picks a free one.' },
  PUBLIC_URL: {
    schema: url('http', 'https'),
    default: null,
    description:
      'URL of the API in browsers, such as `https://hooks.example.com`, for portal links and cookies. ' +
      'It may have a path, `https://example.com/posthorn`; the proxy may strip or keep the path. ' +
      'Default: the host of each request.',
  },
  TRUSTED_PROXIES: {
    schema: addresses(),
    default: '',
    description:
      'Addresses of proxies in front of the API and the board: IPs or CIDRs, comma-separated. Posthorn trusts their ' +
      '`X-Forwarded-For`, `-Host` and `-Proto`, so rate limits and the audit log see each client’s own address.',
  },
  PORTAL_FRAME_ANCESTORS: {
    schema: origins(),
    default: '',
    description:
      'Origins whose pages may embed the portal in a frame, comma-separated, such as `https://app.example.com`.',
  },
  SMTP_URL: {
    schema: url('smtp', 'smtps'),
    default: null,
    secret: true,
    description:
      'Mail server for notifications that customers subscribe to in the portal, `smtps://user:password@smtp.example.com`. It needs ' +
      '`EMAIL_FROM` and `PUBLIC_URL`. Unset: the portal does not offer emails, and nothing is sent.',
  },
  EMAIL_FROM: {
    schema: mailAddress(),
    default: null,
    description: 'Sender of these emails, `Acme Webhooks <webhooks@example.com>` or the address alone.',
  },
  SESSION_HOURS: {
    schema: number(0.1, 720),
    default: '12',
    description: 'Hours after which a console session ends.',
  },
  SESSION_IDLE_MINUTES: {
    schema: number(1, 43_200),
    default: '120',
    description: 'Minutes without activity after which a console session ends.',
  },
  BOARD_HOST: {
    schema: text(),
    default: '127.0.0.1',
    description: 'Address that Bull Board listens on. It is for operators: do not expose it to the internet.',
  },
  BOARD_PORT: { schema: port(), default: '3401', description: 'Port of Bull Board; 0 picks a free one.' },
  POSTHORN_BOARD_URL: {
    schema: url('http', 'https'),
    default: null,
    description: 'URL of Bull Board for operators; the console links to it. The local stack sets it automatically.',
  },
  BOARD_PASSWORD: {
    schema: secretKey(12),
    default: null,
    secret: true,
    description: 'Password of Bull Board, at least 12 characters. Default: the operator key.',
  },
  BOARD_READ_ONLY: {
    schema: flag(),
    default: 'true',
    description:
      '`false` lets operators change the queues in Bull Board. A retry there makes one more attempt of the delivery. ' +
      'Posthorn enqueues a removed job again while its delivery is pending.',
  },
  DEMO_HOST: { schema: text(), default: '127.0.0.1', description: 'Address that the demo chat app listens on.' },
  DEMO_PORT: { schema: port(), default: '3402', description: 'Port of the demo chat app; 0 picks a free one.' },
  POSTHORN_API_URL: {
    schema: url('http', 'https'),
    default: null,
    description:
      'URL of the API for the demo, for `posthorn sign-in` with `POSTHORN_OPERATOR_KEY`, and for the links of Bull Board to the console. ' +
      'Default: the local stack.',
  },
  POSTHORN_URL: {
    schema: url('http', 'https'),
    default: null,
    description:
      'URL of the API for the commands of the CLI, with `POSTHORN_API_KEY`. It overrides the profiles of `posthorn login`.',
  },
  POSTHORN_API_KEY: {
    schema: text(),
    default: null,
    secret: true,
    description: 'Key for `POSTHORN_URL`: the operator key or an account key. The CLI sends it to no other origin.',
  },
  POSTHORN_PROFILE: {
    schema: text(),
    default: null,
    description: 'Profile of the CLI. Default: the one that `posthorn profiles use` selected.',
  },
  POSTHORN_ACCOUNT: {
    schema: accountId(),
    default: null,
    description:
      'Account for the commands of the CLI. Default: the account of the key or of the profile; local stack: `demo`.',
  },
  POSTHORN_DATA_DIR: {
    schema: text(),
    default: '.posthorn',
    description: 'Folder for the local stack’s database, queue, keys and `local.json`.',
  },
  POSTHORN_OPERATOR_KEY: {
    schema: secretKey(24),
    default: null,
    required: true,
    localStack: null,
    secret: true,
    description:
      'API key with full access, for the chat app’s server: at least 24 characters, e.g. from `openssl rand -base64 32`. ' +
      'The local stack creates and stores one.',
  },
  POSTHORN_ENCRYPTION_KEY: {
    schema: encryptionKey(),
    default: null,
    required: true,
    localStack: null,
    secret: true,
    description:
      'Encrypts signing secrets and custom headers in the database: 32 bytes as base64 or hex, e.g. from ' +
      '`openssl rand -base64 32`. The local stack creates and stores one.',
  },
  POSTHORN_ENCRYPTION_KEYS_OLD: {
    schema: list(encryptionKey()),
    default: '',
    secret: true,
    description:
      'Earlier encryption keys, comma-separated. Posthorn still decrypts values that were encrypted with them.',
  },
  MAX_SUBSCRIPTIONS_PER_ACCOUNT: {
    schema: wholeNumber(1, 100_000),
    default: '1000',
    description:
      'Maximum number of subscriptions per account. Lowering it deletes none, but new ones are refused. ' +
      'Each event creates one delivery per matching subscription.',
  },
  ALLOW_PRIVATE_NETWORKS: {
    schema: hosts(),
    default: 'none',
    localStack: '127.0.0.0/8,::1,localhost',
    description:
      'Private networks that subscriptions may reach: CIDRs, host names or wildcards such as ' +
      '`*.svc.cluster.local`, comma-separated, or `none`. A host name that is not listed is allowed if it resolves to a listed network. ' +
      'Cloud metadata addresses stay blocked.',
  },
  DENY_NETWORKS: {
    schema: hosts(),
    default: 'none',
    description:
      'Networks that subscriptions never reach, such as your own public ranges: CIDRs, host names or wildcards, ' +
      'comma-separated, or `none`. It overrides ALLOW_PRIVATE_NETWORKS. The host of PUBLIC_URL is always blocked.',
  },
  EXTRA_CA_CERTS: {
    schema: text(),
    default: null,
    description:
      'Path of a PEM file with certificate authorities that workers trust in addition to the public ones, for endpoints and token servers. ' +
      'Workers read it when they start. A subscription can have its own (`certificateAuthorities`).',
  },
  REQUIRE_HTTPS: {
    schema: flag(),
    default: 'true',
    localStack: 'false',
    description: '`false` allows subscriptions with `http://` URLs.',
  },
  RETRY_SCHEDULE_SECONDS: {
    schema: durations(),
    default: '5,30,120,600,1800,7200,18000,36000,50400,72000,86400',
    description:
      'Seconds to wait after each failed attempt, comma-separated. The default makes twelve attempts in 3.2 days.',
  },
  DELIVERY_TIMEOUT_MS: {
    schema: wholeNumber(100, 120_000),
    default: '15000',
    description: 'Maximum duration of one attempt in milliseconds, including reading the response.',
  },
  MAX_ATTEMPTS: {
    schema: wholeNumber(1, 101),
    default: '25',
    description:
      'Maximum number of attempts in the `retrySchedule` of a subscription. This limit and the next three do not restrict the ' +
      'default. If you lower one, stored policies are cut to it.',
  },
  MAX_RETRY_DAYS: {
    schema: number(0.001, 30),
    default: '7',
    description: 'Maximum sum of the waits in the `retrySchedule` of a subscription.',
  },
  MIN_RETRY_WAIT_SECONDS: {
    schema: number(0, 86_400),
    default: '1',
    description: 'Minimum of each wait in the `retrySchedule` of a subscription.',
  },
  MAX_DELIVERY_TIMEOUT_MS: {
    schema: wholeNumber(100, 120_000),
    default: '30000',
    description:
      'Maximum of the `timeoutMs` of a subscription. Attempts that take longer than SHUTDOWN_TIMEOUT_MS are repeated after a ' +
      'shutdown.',
  },
  WORKER_CONCURRENCY: {
    schema: wholeNumber(1, 5000),
    default: '200',
    description: 'Concurrent deliveries per worker process.',
  },
  DELIVERIES_PER_JOB: {
    schema: wholeNumber(1, 50),
    default: '50',
    description: 'Maximum number of deliveries per queue job. Deliveries that are due at the same time share a job.',
  },
  WORKERS: { schema: wholeNumber(0, 64), default: '1', description: 'Worker processes of the local stack.' },
  WORKER_HEALTH_HOST: {
    schema: text(),
    default: '0.0.0.0',
    localStack: '127.0.0.1',
    description: 'Address of a worker’s `/livez`, `/readyz` and `/metrics`.',
  },
  WORKER_HEALTH_PORT: {
    schema: port(),
    default: '3403',
    localStack: '0',
    description: 'Port of a worker’s `/livez`, `/readyz` and `/metrics`; 0 picks a free one.',
  },
  FAILING_AFTER_DAYS: {
    schema: number(0.001, 365),
    default: '5',
    description:
      'A subscription is disabled (reason `failing`) after this many days without success, once a delivery has used all attempts.',
  },
  OPERATIONS_ACCOUNT: {
    schema: accountId(),
    default: 'posthorn',
    description:
      'Id of the operators’ own account; tenants cannot use it. Its subscriptions receive operational events: a delivery of any ' +
      'account failed, or a subscription is failing, recovered or was disabled. Operators create it with `"operations": true`. ' +
      'Until then, these events are not sent.',
  },
  HONOR_DISABLE_HEADER: {
    schema: flag(),
    default: 'false',
    description:
      '`true`: an endpoint can disable its subscription with the response header `webhook-delivery: disable`, as with status 410.',
  },
  RETENTION_DAYS: {
    schema: wholeNumber(2, 3_650),
    default: '30',
    description:
      'Days after which events, deliveries and attempts are deleted in the background. Pending deliveries stay. ' +
      'Whole partitions are dropped, so rows may stay up to a quarter longer.',
  },
  PAYLOAD_RETENTION_DAYS: {
    schema: wholeNumber(1, 3_650),
    default: null,
    description:
      'Days after which payloads of events without pending deliveries, and response bodies, are erased. Their rows stay. ' +
      'Default: they are deleted with the rows.',
  },
  AUDIT_RETENTION_DAYS: {
    schema: wholeNumber(1, 36_500),
    default: '365',
    description: 'Days after which audit log entries are deleted.',
  },
  SHUTDOWN_DELAY_MS: {
    schema: wholeNumber(0, 300_000),
    default: '5000',
    localStack: '0',
    description:
      'Milliseconds between the first 503 of `/readyz` and the last accepted connection. Load balancers need this time.',
  },
  SHUTDOWN_TIMEOUT_MS: {
    schema: wholeNumber(100, 600_000),
    default: '25000',
    description:
      'Milliseconds in which open requests and attempts in flight may finish. Set at least the delivery timeout plus 5 s. ' +
      'Together with SHUTDOWN_DELAY_MS it must be shorter than the platform’s grace period.',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: url('http', 'https'),
    default: null,
    description:
      'OpenTelemetry collector, `http://collector:4318`. The API and the workers send it traces and their metrics as OTLP over HTTP, in ' +
      'JSON. Unset: OpenTelemetry is off and not loaded.',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    schema: keyValues(),
    default: '',
    secret: true,
    description: 'Headers for the collector, `authorization=Bearer%20…`, comma-separated, with percent-encoded values.',
  },
  OTEL_SERVICE_NAME: {
    schema: text(),
    default: null,
    description: 'Name of the service in traces and OTLP metrics. Default: `posthorn-api` and `posthorn-worker`.',
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    schema: keyValues(),
    default: '',
    description: 'More attributes of the service, `deployment.environment.name=production`, comma-separated.',
  },
  OTEL_TRACES_SAMPLER: {
    schema: oneOf(
      'always_on',
      'always_off',
      'traceidratio',
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
    ),
    default: 'parentbased_always_on',
    description:
      'Which traces are recorded. Set the same in all processes. The trace of an event has no parent, so the API and the workers ' +
      'decide by its id, and all of its spans are recorded or none.',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    schema: number(0, 1),
    default: '1',
    description: 'Share of recorded traces for the samplers with a ratio, such as 0.05.',
  },
  OTEL_METRIC_EXPORT_INTERVAL: {
    schema: wholeNumber(100, 3_600_000),
    default: '60000',
    description: 'Milliseconds between two exports of the metrics to the collector.',
  },
  SEND_TRACEPARENT: {
    schema: flag(),
    default: 'false',
    description:
      '`true` sends the header `traceparent` to endpoints, while OTEL_EXPORTER_OTLP_ENDPOINT is set. Endpoints can then continue the ' +
      'trace of the event. A custom header of a subscription with this name has priority.',
  },
  LOG_LEVEL: {
    schema: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    default: 'info',
    description: 'Minimum level of the log lines (pino).',
  },
} as const satisfies Record<string, Setting>;

/** The settings that choose the queue: the input of `chooseQueue` in `packages/jobs`. */
export const QUEUE_SETTINGS = [
  'DATABASE_URL',
  'DATABASE_DIRECT_URL',
  'QUEUE_BACKEND',
  'QUEUE_SHARDS',
  'REDIS_URL',
  'REDIS_CLUSTER_NODES',
  'REDIS_SENTINELS',
  'REDIS_SENTINEL_NAME',
  'REDIS_SENTINEL_USERNAME',
  'REDIS_SENTINEL_PASSWORD',
  'REDIS_USERNAME',
  'REDIS_PASSWORD',
  'REDIS_TLS',
  'REDIS_TLS_CA_FILE',
] as const satisfies SettingName[];

/** The standard variables of OpenTelemetry: the input of `readTelemetrySettings`. */
export const TELEMETRY_SETTINGS = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_SERVICE_NAME',
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'OTEL_METRIC_EXPORT_INTERVAL',
] as const satisfies SettingName[];

export type SettingName = keyof typeof settings;

const isSettingName = (name: string): name is SettingName => Object.hasOwn(settings, name);

export const settingNames: SettingName[] = Object.keys(settings).filter(isSettingName);
