import type { Deps, Publisher, Reader, RetryRules } from '@posthorn/core';
import type { Producer } from '@posthorn/jobs';
import type { AddressPolicy } from '@posthorn/sender';
import type { EffectiveSetting } from '@posthorn/settings';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ReadSystemMetrics } from './system-metrics.js';
import type { ApiMetrics } from './metrics.js';
import type { TracePublish } from './trace-publish.js';

/** Everything that the API gets from outside, so that tests can choose it. */
export interface ApiDeps extends Deps {
  publisher: Publisher;
  /** Reads lists and statistics, from a replica if there is one. */
  reader: Reader;
  /** The key with full access. */
  operatorKey: string;
  /** Id of the operators' account, which no tenant can have. */
  operationsAccount: string;
  /** URL of the API for browsers (PUBLIC_URL). null: taken from each request. */
  publicUrl: string | null;
  /** Whether there is a mail server. */
  sendsEmails: boolean;
  /** URL of Bull Board for operators. null: not set. */
  boardUrl: string | null;
  /** CIDRs of proxies whose `X-Forwarded-*` headers are trusted. */
  trustedProxies: string[];
  /** A session ends after this time, or after `sessionIdleSeconds` without a request. */
  sessionSeconds: number;
  sessionIdleSeconds: number;
  /** The retry schedule, the timeout, and what subscriptions may choose instead. */
  retries: RetryRules;
  maxSubscriptionsPerAccount: number;
  /** Decides which URLs subscriptions may have. */
  addresses: AddressPolicy;
  /** Checks for /readyz whether enqueueing works. Never throws. */
  checkQueue: Producer['check'];
  /** For /readyz, /metrics and /v1/queues. */
  systemMetrics: ReadSystemMetrics;
  /** /readyz and /metrics cache their responses for this time, because they need no key. */
  probeMaxAgeMs: number;
  /** Folder of the built console. null: not built, and / redirects to /docs/. */
  consoleDirectory: string | null;
  /** Folder of the built documentation. null: not built, and /docs is a 404. */
  docsDirectory: string | null;
  /** Origins whose pages may show a portal in a frame, in addition to its own. */
  frameAncestors: string[];
  /** True after SIGTERM, so that /readyz fails. */
  isDraining(): boolean;
  /** Records the spans of a publish. null: OpenTelemetry is off. */
  tracePublish: TracePublish | null;
  metrics: ApiMetrics;
  version: string;
  /** The effective settings, for /v1/settings. */
  settings: EffectiveSetting[];
  log: FastifyBaseLogger;
}

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** The routes of one file, with full paths. `Needed` names the dependencies that they use. */
export type Routes<Needed extends keyof ApiDeps = never> = (app: App, deps: Pick<ApiDeps, Needed>) => void;
