import type { Caller, SpanIds } from './span-ids.js';

/** The standard variables of OpenTelemetry, parsed. */
export interface TelemetrySettings {
  /** Base URL of the collector, without `/v1/traces`. */
  endpoint: string;
  /** Secret. */
  headers: Record<string, string>;
  serviceName: string;
  resourceAttributes: Record<string, string>;
  sampler: SamplerName;
  /** The share of sampled traces, for the samplers with a ratio. */
  samplerArg: number;
  metricIntervalMs: number;
}

export type SamplerName =
  | 'always_on'
  | 'always_off'
  | 'traceidratio'
  | 'parentbased_always_on'
  | 'parentbased_always_off'
  | 'parentbased_traceidratio';

/** A span that has ended. Spans are recorded afterwards, because their ids are known without a running span (span-ids.ts). */
export interface FinishedSpan {
  name: string;
  kind: 'server' | 'client' | 'producer' | 'consumer';
  ids: SpanIds;
  parent: SpanIds | null;
  /** Milliseconds since 1970. */
  startedAtMs: number;
  durationMs: number;
  /** Never a payload, a header, a secret or a path of an endpoint. */
  attributes: Record<string, string | number | boolean>;
  links?: SpanIds[];
  hasFailed?: boolean;
}

/** A metric as prom-client's `getMetricsAsJSON` returns it. */
export interface RegistryMetric {
  name: string;
  help: string;
  /** `counter`, `gauge`, `histogram` or `summary`. (The types of prom-client declare numbers.) */
  type: unknown;
  values: { value: number; labels: Partial<Record<string, string | number>>; metricName?: string }[];
}

/** Sends spans and metrics to a collector. Its failures never reach the caller: what it cannot send is dropped, and a log line counts it. */
export interface Telemetry {
  /** Whether the spans of a trace are recorded. All processes with the same settings give the same result. `caller` is the parent of the
   *  first span, if another system has started the trace. */
  isSampled(traceId: string, caller?: Caller): boolean;
  /** Queues a span of a sampled trace. Never blocks. */
  record(span: FinishedSpan): void;
  /** Sends these metrics at each interval. */
  exportMetrics(read: () => Promise<RegistryMetric[]>): void;
  /** Sends what is queued. Resolves within two seconds. */
  close(): Promise<void>;
}
