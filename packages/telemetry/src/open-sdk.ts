import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import { openLosses } from './losses.js';
import { openMetricExport } from './metric-export.js';
import type { OpenTelemetryOptions } from './open-telemetry.js';
import { openSpanExport } from './span-export.js';
import type { Telemetry, TelemetrySettings } from './telemetry.js';

const CLOSE_MS = 1_500;

/** The part that loads OpenTelemetry. Everything is passed as arguments: no global provider, context or error handler. */
export function openSdk(settings: TelemetrySettings, { app, version, log }: OpenTelemetryOptions): Telemetry {
  const { headers } = settings;
  const resource = resourceFromAttributes({
    ...settings.resourceAttributes,
    'service.name': settings.serviceName,
    'service.version': version,
    // Tells the metrics of several processes apart.
    'service.instance.id': randomUUID(),
    'posthorn.app': app,
  });
  const scope = { name: 'posthorn', version };
  const losses = openLosses(log);
  const spans = openSpanExport({
    exporter: new OTLPTraceExporter({ url: signalUrl(settings.endpoint, 'traces'), headers }),
    resource,
    scope,
    losses,
  });
  const metrics = openMetricExport({
    exporter: new OTLPMetricExporter({ url: signalUrl(settings.endpoint, 'metrics'), headers }),
    resource,
    scope,
    losses,
    intervalMs: settings.metricIntervalMs,
  });
  const sampler = makeSampler(settings);

  return {
    isSampled(traceId, caller) {
      const context = caller
        ? trace.setSpanContext(ROOT_CONTEXT, {
            traceId: caller.traceId,
            spanId: caller.spanId,
            traceFlags: caller.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
            isRemote: true,
          })
        : ROOT_CONTEXT;
      const { decision } = sampler.shouldSample(context, traceId, 'publish', SpanKind.SERVER, {}, []);
      return decision === SamplingDecision.RECORD_AND_SAMPLED;
    },
    record: spans.record,
    exportMetrics: metrics.start,
    async close() {
      // The collector may hang, and the process must end.
      const limit = new AbortController();
      const closed = Promise.allSettled([spans.close(), metrics.close()]);
      await Promise.race([closed, pause(CLOSE_MS, undefined, { signal: limit.signal }).catch(() => {})]);
      limit.abort();
      spans.abandon();
      losses.close();
    },
  };
}

const signalUrl = (endpoint: string, signal: 'traces' | 'metrics'): string =>
  `${endpoint.replace(/\/+$/, '')}/v1/${signal}`;

function makeSampler({ sampler, samplerArg }: TelemetrySettings): Sampler {
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(samplerArg);
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(samplerArg) });
    default:
      return sampler satisfies never;
  }
}
