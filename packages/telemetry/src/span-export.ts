import { type HrTime, SpanKind, SpanStatusCode, TraceFlags, type SpanContext } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import { type Losses, reasonOf } from './losses.js';
import type { SpanIds } from './span-ids.js';
import type { FinishedSpan } from './telemetry.js';

interface SpanExportOptions {
  exporter: SpanExporter;
  resource: Resource;
  scope: ReadableSpan['instrumentationScope'];
  losses: Losses;
}

/** Spans that wait for the collector. A worker makes some 3,000 per second at most. */
const MAX_QUEUED = 8_192;
const EXPORT_EVERY_MS = 1_000;
const MAX_BATCH = 1_024;
const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** Sends spans in batches. A full queue drops new spans. */
export function openSpanExport({ exporter, resource, scope, losses }: SpanExportOptions) {
  let queued = 0;
  const counting: SpanExporter = {
    export(spans, done) {
      exporter.export(spans, (result) => {
        queued -= spans.length;
        // A failed export of the OTLP exporter always has an error.
        if (result.error) losses.add('traces', spans.length, reasonOf(result.error));
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
  const processor = new BatchSpanProcessor({
    exporter: counting,
    maxQueueSize: MAX_QUEUED,
    maxExportBatchSize: MAX_BATCH,
    scheduledDelayMillis: EXPORT_EVERY_MS,
  });

  return {
    record(span: FinishedSpan): void {
      if (queued >= MAX_QUEUED) return losses.add('traces', 1, 'queue_full');
      queued += 1;
      processor.onEnd(toReadable(span, { resource, instrumentationScope: scope }));
    },
    close: () => processor.shutdown(),
    /** Counts the spans that close() could not send in time. */
    abandon(): void {
      if (queued > 0) losses.add('traces', queued, 'shutdown');
    },
  };
}

function toReadable(span: FinishedSpan, shared: Pick<ReadableSpan, 'resource' | 'instrumentationScope'>): ReadableSpan {
  const context = toContext(span.ids);
  return {
    name: span.name,
    kind: KINDS[span.kind],
    spanContext: () => context,
    ...(span.parent && { parentSpanContext: toContext(span.parent) }),
    startTime: toHrTime(span.startedAtMs),
    endTime: toHrTime(span.startedAtMs + span.durationMs),
    duration: toHrTime(span.durationMs),
    status: { code: span.hasFailed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: span.attributes,
    links: (span.links ?? []).map((ids) => ({ context: toContext(ids) })),
    events: [],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...shared,
  };
}

const toContext = ({ traceId, spanId }: SpanIds): SpanContext => ({
  traceId,
  spanId,
  traceFlags: TraceFlags.SAMPLED,
});

function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1_000) * 1_000_000))];
}
