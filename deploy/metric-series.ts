import { openMetrics as openApiMetrics } from '../apps/api/src/metrics.js';
import { openMetrics as openWorkerMetrics } from '../apps/worker/src/metrics.js';
import type { Series } from './find-problems.js';

const registries = [openApiMetrics({ version: '1.0.0' }).registry, openWorkerMetrics().registry];

/** What a new API and a new worker return for /metrics, before anything has happened. */
export async function metricsAtStart(): Promise<string> {
  return (await Promise.all(registries.map((registry) => registry.metrics()))).join('\n');
}

/** The series of the metrics of the API and the workers, with their labels. */
export function metricSeries(): Series {
  return new Map(registries.flatMap(seriesOf));
}

function seriesOf(registry: ReturnType<typeof openApiMetrics>['registry']): [string, string[]][] {
  return registry.getMetricsAsArray().flatMap((metric): [string, string[]][] => {
    const { name, labelNames, buckets } = metric as typeof metric & { labelNames: string[]; buckets?: number[] };
    if (!buckets) return [[name, labelNames]];
    return [
      [`${name}_bucket`, [...labelNames, 'le']],
      [`${name}_sum`, labelNames],
      [`${name}_count`, labelNames],
    ];
  });
}
