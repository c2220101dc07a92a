import type { HrTime } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { PushMetricExporter, ScopeMetrics } from '@opentelemetry/sdk-metrics';
import { type Losses, reasonOf } from './losses.js';
import type { RegistryMetric } from './telemetry.js';
import { toMetricData } from './to-metric-data.js';

interface MetricExportOptions {
  exporter: PushMetricExporter;
  resource: Resource;
  scope: ScopeMetrics['scope'];
  losses: Losses;
  intervalMs: number;
}

/** Sends the metrics of /metrics at each interval and at the end, with the same names. */
export function openMetricExport({ exporter, resource, scope, losses, intervalMs }: MetricExportOptions) {
  const startTime = hrNow();
  let read: (() => Promise<RegistryMetric[]>) | null = null;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;

  async function send(source: () => Promise<RegistryMetric[]>): Promise<void> {
    try {
      const found = await source();
      const times = { startTime, endTime: hrNow() };
      const metrics = found.flatMap((metric) => toMetricData(metric, times) ?? []);
      const result = await new Promise<{ code: number; error?: Error }>((resolve) =>
        exporter.export({ resource, scopeMetrics: [{ scope, metrics }] }, resolve),
      );
      if (result.code !== 0) losses.add('metrics', 1, reasonOf(result.error));
    } catch (error) {
      losses.add('metrics', 1, reasonOf(error instanceof Error ? error : undefined));
    }
  }

  /** A run that takes longer than the interval skips the next one. */
  const sendOnce = (): Promise<void> => {
    if (read === null) return Promise.resolve();
    running ??= send(read).finally(() => (running = null));
    return running;
  };

  return {
    start(source: () => Promise<RegistryMetric[]>): void {
      read = source;
      timer = setInterval(() => void sendOnce(), intervalMs);
      timer.unref();
    },
    async close(): Promise<void> {
      if (timer !== null) clearInterval(timer);
      await sendOnce();
      await exporter.shutdown();
    },
  };
}

function hrNow(): HrTime {
  const ms = Date.now();
  return [Math.floor(ms / 1_000), (ms % 1_000) * 1_000_000];
}
