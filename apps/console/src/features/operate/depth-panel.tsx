import { MOST_COUNTED, type QueueDepths } from '@posthorn/contract';
import type { UseQueryResult } from '@tanstack/react-query';
import { countUpTo, whole } from '../../components/number.js';
import type { Range } from '../../components/range.js';
import { RangeFilter } from '../../components/range-filter.js';
import { Loaded } from '../../components/states.js';
import { Chart, lineOf } from '../statistics/chart.js';

type Depth = QueueDepths['buckets'][number];

/** A chart of how many jobs and deliveries waited. */
export function DepthPanel({
  depths,
  range,
  onRange,
}: {
  depths: UseQueryResult<QueueDepths>;
  range: Range;
  onRange: (range: Range) => void;
}) {
  return (
    <section className="panel stack close" aria-labelledby="depth">
      <div className="row spread">
        <h2 id="depth">Waiting over time</h2>
        <div className="filters">
          <RangeFilter isRequired value={range} onChange={onRange} />
        </div>
      </div>
      <Loaded query={depths} what="queue depths">
        {({ buckets }) => <DepthChart buckets={buckets} />}
      </Loaded>
    </section>
  );
}

function DepthChart({ buckets }: { buckets: Depth[] }) {
  const most = Math.max(1, ...buckets.flatMap(({ waiting, deferred }) => [waiting ?? 0, deferred ?? 0]));
  return (
    <Chart
      buckets={buckets}
      isShown={({ deferred }) => deferred !== null}
      empty="No samples in this time range yet. The API takes one every minute."
      name={`Queue depth: at most ${whole.format(most)} waiting.`}
      most={whole.format(most)}
      columns={['Jobs in the queue', 'Deliveries not queued yet']}
      swatches={['chart-swatch-p50Ms', 'chart-swatch-p95Ms']}
      valuesOf={({ waiting, deferred }) => [
        waiting === null ? 'not known' : whole.format(waiting),
        deferred === null ? 'not known' : countUpTo(deferred, MOST_COUNTED),
      ]}
    >
      {(['deferred', 'waiting'] as const).map((name) => (
        <path
          key={name}
          className={name === 'waiting' ? 'chart-p50Ms' : 'chart-p95Ms'}
          d={lineOf(
            buckets.map((bucket) => bucket[name]),
            most,
          )}
        />
      ))}
    </Chart>
  );
}
