import type { Deps, Publisher, Reader } from '@posthorn/core';
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

/** All that the API needs of the outside; handed in, so that tests choose. */
export interface ApiDeps extends Deps {
  publisher: Publisher;
  /** Where lists and statistics are read. */
  reader: Reader;
  /** The key to everything. */
  operatorKey: string;
  /** Id of the operators' own account, which is no tenant's. */
  operationsAccount: string;
  /** Where browsers reach us, as PUBLIC_URL says; null: as each request says. */
  publicUrl: string | null;
  /** Whether there is a mail server. */
  sendsEmails: boolean;
  /** Where operators open Bull Board; null: not told. */
  boardUrl: string | null;
  /** CIDRs of proxies whose `X-Forwarded-*` are believed. */
  trustedProxies: string[];
  /** How long somebody stays signed in, and how long unused. */
  sessionSeconds: number;
  sessionIdleSeconds: number;
  /** Attempts of the schedule that is in force. */
  maxAttempts: number;
  /** How many subscriptions an account may have. */
  maxSubscriptionsPerAccount: number;
  /** Which URLs subscriptions may have. */
  addresses: AddressPolicy;
  /** Whether an enqueue works; asked by /readyz only. Never throws. */
  checkQueue: Producer['check'];
  /** How things stand, for /readyz, /metrics and /v1/queues. */
  systemMetrics: ReadSystemMetrics;
  /** For so long /readyz and /metrics give everybody the same answer: without a key anybody may ask. */
  probeMaxAgeMs: number;
  /** Where the built console is; null: it is not there, and / leads to /docs. */
  consoleDirectory: string | null;
  /** Origins whose pages may show the console in a frame, beside its own. */
  frameAncestors: string[];
  /** True from SIGTERM on: /readyz then says so. */
  isDraining(): boolean;
  metrics: ApiMetrics;
  version: string;
  /** What this process runs with, to be shown. */
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

/** One file of routes: the paths stand in it in full. `Needed` names all that they use of what is handed in. */
export type Routes<Needed extends keyof ApiDeps = never> = (app: App, deps: Pick<ApiDeps, Needed>) => void;
