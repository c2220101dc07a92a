import type { z } from 'zod';
import {
  accountId,
  addresses,
  flag,
  hosts,
  list,
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
 * One environment variable. `default` is written as the variable would be; null means unset, which reads as null.
 * A `required` one must be set, except in the local stack when `localStack` says otherwise.
 */
export type Setting = {
  readonly schema: z.ZodType<unknown, string>;
  readonly default: string | null;
  readonly description: string;
  /** Must be set: there is no sensible default. */
  readonly required?: true;
  /** The default in the local stack, where it differs; null: the local stack makes or finds it by itself. */
  readonly localStack?: string | null;
  /** Never echoed, and `<NAME>_FILE` may name a file that holds it. */
  readonly secret?: true;
};

/** Every environment variable that any of the apps reads. `.env.example` and the README's table are made from it. */
export const settings = {
  DATABASE_URL: {
    schema: url('postgres', 'postgresql'),
    default: null,
    required: true,
    localStack: null,
    secret: true,
    description: 'Postgres 15 or newer, `postgres://user:password@host:5432/name`. The local stack brings its own.',
  },
  DATABASE_DIRECT_URL: {
    schema: url('postgres', 'postgresql'),
    default: null,
    secret: true,
    description:
      'Postgres itself, where `DATABASE_URL` leads to a connection pooler in transaction mode. Carries migrations, `LISTEN`, ' +
      'session locks and BullMQ on Postgres. Unset: `DATABASE_URL`, which may be a pooler in session mode.',
  },
  DATABASE_READ_URL: {
    schema: url('postgres', 'postgresql'),
    default: null,
    secret: true,
    description:
      'A read replica for lists and statistics, directly or through a pooler in session mode. They may lag: the header ' +
      '`Posthorn-Read-Lag-Seconds` says how far. While it is away they are read from `DATABASE_URL`.',
  },
  DATABASE_POOL_SIZE: {
    schema: wholeNumber(1, 1000),
    default: '10',
    description:
      'Connections to Postgres per process, and as many to the read replica; a worker has one more, to be woken by. The sum over all processes must stay ' +
      'ten below its `max_connections`.',
  },
  REDIS_URL: {
    schema: url('redis', 'rediss'),
    default: null,
    secret: true,
    description:
      'Redis 7 or Valkey for BullMQ, `redis://host:6379`, with `noeviction` and append-only files. ' +
      'Unset in the local stack: a private server from the PATH, else BullMQ on Postgres.',
  },
  REDIS_CLUSTER_NODES: {
    schema: servers(6379),
    default: '',
    description:
      'Instead of `REDIS_URL`: some nodes of a Redis Cluster, `host:6379`, comma-separated. The others are found. ' +
      'Set `QUEUE_SHARDS` with it.',
  },
  REDIS_SENTINELS: {
    schema: servers(26379),
    default: '',
    description: 'Instead of `REDIS_URL`: Redis Sentinels, `host:26379`, comma-separated, which name the primary.',
  },
  REDIS_SENTINEL_NAME: {
    schema: text(),
    default: 'mymaster',
    description: 'By which name the Sentinels know the primary.',
  },
  REDIS_SENTINEL_USERNAME: { schema: text(), default: null, description: 'ACL user of the Sentinels themselves.' },
  REDIS_SENTINEL_PASSWORD: {
    schema: text(),
    default: null,
    secret: true,
    description: 'Password of the Sentinels themselves, where they require one.',
  },
  REDIS_USERNAME: {
    schema: text(),
    default: null,
    description: 'ACL user of a Cluster, or of the servers that Sentinels watch. `REDIS_URL` holds its own.',
  },
  REDIS_PASSWORD: {
    schema: text(),
    default: null,
    secret: true,
    description: 'Password of a Cluster, or of the servers that Sentinels watch. `REDIS_URL` holds its own.',
  },
  REDIS_TLS: {
    schema: flag(),
    default: 'false',
    description:
      '`true`: a Cluster, or Sentinels and their servers, are reached over TLS. For `REDIS_URL`, write `rediss://`.',
  },
  REDIS_TLS_CA_FILE: {
    schema: text(),
    default: null,
    description:
      'Path of the certificate authority (PEM) of a Redis over TLS. Unset: the authorities that Node trusts.',
  },
  QUEUE_SHARDS: {
    schema: wholeNumber(1, 64),
    default: '1',
    description:
      'Over how many hash slots of Redis the jobs of deliveries are spread. With a Cluster, set four for each primary; ' +
      'else 1. All processes must have the same number.',
  },
  QUEUE_BACKEND: {
    schema: oneOf('auto', 'redis', 'postgres'),
    default: 'auto',
    description: 'Where BullMQ keeps its jobs. `auto`: Redis when there is one, else Postgres.',
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
      'Where browsers reach the API, such as `https://hooks.example.com`: for links to portals, and for cookies. ' +
      'It may have a path, `https://example.com/posthorn`, whether the proxy takes it away or passes it on. ' +
      'Unset: as each request says.',
  },
  TRUSTED_PROXIES: {
    schema: addresses(),
    default: '',
    description:
      'Addresses of proxies before the API and the board, IPs or CIDRs, comma-separated: their `X-Forwarded-For`, `-Host` and `-Proto` are ' +
      'believed, so that each client is counted and recorded as itself.',
  },
  PORTAL_FRAME_ANCESTORS: {
    schema: origins(),
    default: '',
    description:
      'Origins whose pages may show a portal in a frame, comma-separated, such as `https://app.example.com`.',
  },
  SESSION_HOURS: {
    schema: number(0.1, 720),
    default: '12',
    description: 'Whoever signs in to the console has to do so again after so many hours.',
  },
  SESSION_IDLE_MINUTES: {
    schema: number(1, 43_200),
    default: '120',
    description: 'And earlier when nothing was done for so many minutes.',
  },
  BOARD_HOST: {
    schema: text(),
    default: '127.0.0.1',
    description: 'Address that Bull Board listens on. It is for operators: do not publish it.',
  },
  BOARD_PORT: { schema: port(), default: '3401', description: 'Port of Bull Board; 0 picks a free one.' },
  POSTHORN_BOARD_URL: {
    schema: url('http', 'https'),
    default: null,
    description: 'Where operators open Bull Board: the console links to it. The local stack sets it by itself.',
  },
  BOARD_PASSWORD: {
    schema: secretKey(12),
    default: null,
    secret: true,
    description: 'Password of Bull Board, at least 12 characters. Unset: the operator key.',
  },
  BOARD_READ_ONLY: {
    schema: flag(),
    default: 'true',
    description:
      '`false` lets Bull Board change the queues: a retry there makes one more attempt of the delivery; a job that is removed ' +
      'comes back while its delivery is owed.',
  },
  DEMO_HOST: { schema: text(), default: '127.0.0.1', description: 'Address that the demo chat app listens on.' },
  DEMO_PORT: { schema: port(), default: '3402', description: 'Port of the demo chat app; 0 picks a free one.' },
  POSTHORN_API_URL: {
    schema: url('http', 'https'),
    default: null,
    description: 'Where the CLI and the demo find the API. Unset: the local stack.',
  },
  POSTHORN_DATA_DIR: {
    schema: text(),
    default: '.posthorn',
    description: 'Folder where the local stack keeps its database, its queue, its keys and `local.json`.',
  },
  POSTHORN_OPERATOR_KEY: {
    schema: secretKey(24),
    default: null,
    required: true,
    localStack: null,
    secret: true,
    description:
      'The key to everything, for the chat app’s server: at least 24 characters, e.g. from `openssl rand -base64 32`. ' +
      'The local stack makes and keeps one.',
  },
  POSTHORN_ENCRYPTION_KEY: {
    schema: encryptionKey(),
    default: null,
    required: true,
    localStack: null,
    secret: true,
    description:
      'Seals signing secrets and receivers’ headers in the database: 32 bytes as base64 or hex, e.g. from ' +
      '`openssl rand -base64 32`. The local stack makes and keeps one.',
  },
  POSTHORN_ENCRYPTION_KEYS_OLD: {
    schema: list(encryptionKey()),
    default: '',
    secret: true,
    description: 'Earlier encryption keys, comma-separated: what they sealed stays readable after a change of the key.',
  },
  MAX_SUBSCRIPTIONS_PER_ACCOUNT: {
    schema: wholeNumber(1, 10_000),
    default: '1000',
    description:
      'Subscriptions that one account may have. Beyond it, creating one is refused; those that exist stay. ' +
      'Each of them costs a delivery of each event.',
  },
  ALLOW_PRIVATE_NETWORKS: {
    schema: hosts(),
    default: 'none',
    localStack: '127.0.0.0/8,::1,localhost',
    description:
      'Private networks that subscriptions may reach all the same: CIDRs, host names or wildcards such as ' +
      '`*.svc.cluster.local`, comma-separated, or `none`. A private name that is not listed may lead to a listed network. ' +
      'Addresses of cloud metadata stay blocked.',
  },
  DENY_NETWORKS: {
    schema: hosts(),
    default: 'none',
    description:
      'Networks that subscriptions never reach, such as your own public ranges: CIDRs, host names or wildcards, ' +
      'comma-separated, or `none`. It outranks ALLOW_PRIVATE_NETWORKS. The host of PUBLIC_URL is always refused.',
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
      'Waits in seconds after each failed attempt, comma-separated. The default is twelve attempts in 3.2 days.',
  },
  DELIVERY_TIMEOUT_MS: {
    schema: wholeNumber(100, 120_000),
    default: '15000',
    description: 'Milliseconds that one attempt may take in all, reading the answer included.',
  },
  WORKER_CONCURRENCY: {
    schema: wholeNumber(1, 5000),
    default: '200',
    description: 'Deliveries under way at once per worker process.',
  },
  DELIVERIES_PER_JOB: {
    schema: wholeNumber(1, 50),
    default: '50',
    description: 'Deliveries that are due at the same moment share a job of the queue: so many at most.',
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
      'A subscription that has exhausted a delivery and had no success for so many days is disabled, reason `failing`.',
  },
  OPERATIONS_ACCOUNT: {
    schema: accountId(),
    default: 'posthorn',
    description:
      'Id of the operators’ own account, which no tenant can have: its subscriptions get an event when a delivery of any ' +
      'account fails, or a subscription fails, recovers or is disabled. Operators create it with `"operations": true`; ' +
      'without it nobody gets these events.',
  },
  HONOR_DISABLE_HEADER: {
    schema: flag(),
    default: 'false',
    description:
      '`true` lets a receiver disable its subscription with the header `webhook-delivery: disable` in any answer, as it can with 410.',
  },
  RETENTION_DAYS: {
    schema: wholeNumber(2, 3_650),
    default: '30',
    description:
      'Events, deliveries and attempts older than so many days go, in the background; what is still owed stays. ' +
      'Events and attempts go in partitions, up to a quarter of that time later.',
  },
  PAYLOAD_RETENTION_DAYS: {
    schema: wholeNumber(1, 3_650),
    default: null,
    description:
      'Payloads of events that are not owed any more, and the receivers’ answers, go after so many days; their rows stay. ' +
      'Unset: with the rows.',
  },
  AUDIT_RETENTION_DAYS: {
    schema: wholeNumber(1, 36_500),
    default: '365',
    description: 'Entries of the audit log older than so many days go.',
  },
  SHUTDOWN_DELAY_MS: {
    schema: wholeNumber(0, 300_000),
    default: '5000',
    localStack: '0',
    description: 'Milliseconds between `/readyz` turning 503 and the end of accepting, for load balancers to notice.',
  },
  SHUTDOWN_TIMEOUT_MS: {
    schema: wholeNumber(100, 600_000),
    default: '25000',
    description:
      'Milliseconds that open requests and attempts in flight get to finish. At least the delivery timeout and 5 s; ' +
      'with the delay above, less than the platform’s grace.',
  },
  LOG_LEVEL: {
    schema: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    default: 'info',
    description: 'How much pino logs.',
  },
} as const satisfies Record<string, Setting>;

/** All that decides where the queue is; chooseQueue of `packages/jobs` takes them. */
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

export type SettingName = keyof typeof settings;

const isSettingName = (name: string): name is SettingName => Object.hasOwn(settings, name);

export const settingNames: SettingName[] = Object.keys(settings).filter(isSettingName);
