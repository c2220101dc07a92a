import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import { AggregationTemporality, type DataPoint, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import type { RegistryMetric } from './telemetry.js';

interface Times {
  startTime: HrTime;
  endTime: HrTime;
}
type Value = RegistryMetric['values'][number];

/** Converts a metric of prom-client to one of OTLP. Returns null for a metric without values, and for a summary, which OTLP has only for
 *  old sources.
 *
 *  prom-client             OTLP
 *  counter                 monotonic sum, cumulative
 *  gauge                   gauge
 *  histogram, cumulative   histogram with a count per bucket; the bucket `+Inf` is the last
 *  summary                 – */
export function toMetricData(metric: RegistryMetric, times: Times): MetricData | null {
  const shared = {
    descriptor: { name: metric.name, description: metric.help, unit: '', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (metric.type === 'histogram') {
    const dataPoints = toHistograms(metric, times);
    return dataPoints.length === 0 ? null : { ...shared, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = metric.values
    .filter(({ value }) => Number.isFinite(value))
    .map(({ value, labels }): DataPoint<number> => ({ ...times, attributes: toAttributes(labels), value }));
  if (dataPoints.length === 0) return null;
  if (metric.type === 'counter') return { ...shared, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
  return metric.type === 'gauge' ? { ...shared, dataPointType: DataPointType.GAUGE, dataPoints } : null;
}

type HistogramPoint = Extract<MetricData, { dataPointType: DataPointType.HISTOGRAM }>['dataPoints'][number];

function toHistograms({ name, values }: RegistryMetric, times: Times): HistogramPoint[] {
  const groups = new Map<string, { attributes: Attributes; buckets: Value[]; sum: number; count: number }>();
  for (const one of values) {
    const { le: _, ...labels } = one.labels;
    const key = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const group = groups.get(key) ?? { attributes: toAttributes(labels), buckets: [], sum: 0, count: 0 };
    groups.set(key, group);
    if (one.metricName === `${name}_sum`) group.sum = one.value;
    else if (one.metricName === `${name}_count`) group.count = one.value;
    else group.buckets.push(one);
  }
  return [...groups.values()].map(({ attributes, buckets, sum, count }) => {
    const finite = buckets.filter(({ labels }) => labels['le'] !== '+Inf');
    const upTo = finite.map(({ value }) => value);
    const counts = [...upTo, count].map((value, index) => value - (upTo[index - 1] ?? 0));
    const boundaries = finite.map(({ labels }) => Number(labels['le']));
    return { ...times, attributes, value: { buckets: { boundaries, counts }, sum, count } };
  });
}

function toAttributes(labels: Value['labels']): Attributes {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined));
}
