import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import { expect, it } from 'vitest';
import { toMetricData } from './to-metric-data.js';

const times = { startTime: [1, 0] as [number, number], endTime: [2, 0] as [number, number] };

it('a counter becomes a cumulative monotonic sum with its name', () => {
  const values = [{ value: 3, labels: { outcome: 'ok' } }];
  expect(toMetricData({ name: 'posthorn_attempts_total', help: 'Attempts', type: 'counter', values }, times)).toEqual({
    descriptor: expect.objectContaining({ name: 'posthorn_attempts_total', description: 'Attempts' }),
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.SUM,
    isMonotonic: true,
    dataPoints: [{ ...times, attributes: { outcome: 'ok' }, value: 3 }],
  });
});

it('a gauge without a value is left out', () => {
  const gauge = { name: 'up', help: '', type: 'gauge' };
  expect(toMetricData({ ...gauge, values: [{ value: Number.NaN, labels: {} }] }, times)).toBe(null);
  expect(toMetricData({ ...gauge, values: [] }, times)).toBe(null);
  expect(toMetricData({ ...gauge, values: [{ value: 0, labels: {} }] }, times)?.dataPoints).toHaveLength(1);
});

it('the cumulative buckets of a histogram become a count per bucket, for each set of labels', () => {
  const name = 'seconds';
  const series = (outcome: string, [fast, slow, all, sum]: [number, number, number, number]) => [
    { metricName: `${name}_bucket`, value: fast, labels: { le: 0.1, outcome } },
    { metricName: `${name}_bucket`, value: slow, labels: { le: 5, outcome } },
    { metricName: `${name}_bucket`, value: all, labels: { le: '+Inf', outcome } },
    { metricName: `${name}_sum`, value: sum, labels: { outcome } },
    { metricName: `${name}_count`, value: all, labels: { outcome } },
  ];
  const values = [...series('ok', [2, 5, 6, 12.5]), ...series('timeout', [0, 0, 1, 15])];
  const point = (outcome: string, counts: number[], sum: number, count: number) => ({
    ...times,
    attributes: { outcome },
    value: { buckets: { boundaries: [0.1, 5], counts }, sum, count },
  });
  expect(toMetricData({ name, help: '', type: 'histogram', values }, times)).toMatchObject({
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: [point('ok', [2, 3, 1], 12.5, 6), point('timeout', [0, 0, 1], 15, 1)],
  });
});

it('a summary is left out', () =>
  expect(
    toMetricData({ name: 's', help: '', type: 'summary', values: [{ value: 1, labels: { quantile: 0.5 } }] }, times),
  ).toBe(null));
