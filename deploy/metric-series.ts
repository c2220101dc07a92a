import { openMetrics as openApiMetrics } from '../apps/api/src/metrics.js';
import { openMetrics as openWorkerMetrics } from '../apps/worker/src/metrics.js';
import type { Series } from './find-problems.js';

/** The series of the metrics of the API and the workers, with their labels. */
export function metricSeries(): Series {
  return new Map([openApiMetrics({ version: '1.0.0' }).registry, openWorkerMetrics().registry].flatMap(seriesOf));
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
