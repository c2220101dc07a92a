import type { Stats } from '@posthorn/contract';
import { type KeyboardEvent, type ReactNode, useId, useState } from 'react';
import { whole } from '../../components/number.js';
import { duration } from '../../components/time.js';
import { shortTime, useZone } from '../../components/zone.js';
import '../../components/table.css';
import './chart.css';

type Bucket = Stats['buckets'][number];

const WIDTH = 1000;
const HEIGHT = 160;

const NO_ATTEMPTS = 'No attempts in this time range.';
const hasAttempts = ({ attempts }: Bucket): boolean => attempts.total > 0;

/** Attempts over time, the failed ones hatched on top. `onOpen` shows the deliveries of a bucket. */
export function AttemptsChart({
  buckets,
  onOpen,
}: {
  buckets: Bucket[];
  onOpen?: ((from: string) => void) | undefined;
}) {
  const id = useId();
  const most = Math.max(1, ...buckets.map(({ attempts }) => attempts.ok + attempts.failed));
  const total = buckets.reduce((sum, { attempts }) => sum + attempts.ok, 0);
  const failed = buckets.reduce((sum, { attempts }) => sum + attempts.failed, 0);
  const step = WIDTH / Math.max(1, buckets.length);
  return (
    <Chart
      buckets={buckets}
      isShown={hasAttempts}
      empty={NO_ATTEMPTS}
      name={`Attempts: ${whole.format(total)} succeeded, ${whole.format(failed)} failed.`}
      most={whole.format(most)}
      columns={['Succeeded', 'Failed']}
      swatches={['chart-swatch-ok', 'chart-swatch-failed']}
      valuesOf={({ attempts }) => [whole.format(attempts.ok), whole.format(attempts.failed)]}
      onOpen={onOpen}
    >
      <defs>
        <pattern id={id} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="6" height="6" className="chart-failed-ground" />
          <rect width="3" height="6" className="chart-failed" />
        </pattern>
      </defs>
      {buckets.map(({ at, attempts }, index) => {
        const ok = (attempts.ok / most) * HEIGHT;
        const bad = (attempts.failed / most) * HEIGHT;
        const x = index * step + step * 0.1;
        return (
          <g key={at}>
            <rect x={x} y={HEIGHT - ok} width={step * 0.8} height={ok} className="chart-ok" />
            <rect x={x} y={HEIGHT - ok - bad} width={step * 0.8} height={bad} fill={`url(#${id})`} />
          </g>
        );
      })}
    </Chart>
  );
}

/** Response times over time: p50 as a line, p95 dashed. A bucket without attempts is a gap. */
export function DurationsChart({ buckets }: { buckets: Bucket[] }) {
  const most = Math.max(1, ...buckets.map(({ p95Ms }) => p95Ms ?? 0));
  return (
    <Chart
      buckets={buckets}
      isShown={hasAttempts}
      empty={NO_ATTEMPTS}
      name={`Response time: highest p95 ${duration(most)}.`}
      most={duration(most)}
      columns={['p50', 'p95']}
      swatches={['chart-swatch-p50Ms', 'chart-swatch-p95Ms']}
      valuesOf={({ p50Ms, p95Ms }) => [p50Ms, p95Ms].map((ms) => (ms === null ? '—' : duration(ms)))}
    >
      {(['p95Ms', 'p50Ms'] as const).map((name) => (
        <path
          key={name}
          className={`chart-${name}`}
          d={lineOf(
            buckets.map((bucket) => bucket[name]),
            most,
          )}
        />
      ))}
    </Chart>
  );
}

/** A line through the middle of each bucket. A bucket between gaps is a short stroke. */
export function lineOf(values: (number | null)[], most: number): string {
  const step = WIDTH / Math.max(1, values.length);
  return values
    .map((value, index) => {
      if (value === null) return '';
      const x = (index + 0.5) * step;
      const y = HEIGHT - (value / most) * (HEIGHT - 4) - 2;
      const isAlone = (values[index - 1] ?? null) === null;
      return isAlone ? `M${x - step * 0.2},${y}H${x + step * 0.2}M${x},${y}` : `L${x},${y}`;
    })
    .join('');
}

/** A chart over time buckets. The arrow keys select a bucket, and a table shows all of them. */
export function Chart<B extends { at: string }>({
  buckets,
  isShown,
  empty,
  name,
  most,
  columns,
  swatches,
  valuesOf,
  onOpen,
  children,
}: {
  buckets: B[];
  /** Whether a bucket has values. */
  isShown: (bucket: B) => boolean;
  /** Shown instead of the chart if no value is known. */
  empty: string;
  name: string;
  /** The value at the top. */
  most: string;
  columns: [string, string];
  swatches: [string, string];
  /** The values of a bucket, one for each column. */
  valuesOf: (bucket: B) => string[];
  onOpen?: ((from: string) => void) | undefined;
  children: ReactNode;
}) {
  const zone = useZone();
  const [chosen, setChosen] = useState<number | null>(null);
  const step = WIDTH / Math.max(1, buckets.length);
  const shown = chosen === null ? undefined : buckets[chosen];
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && shown) return onOpen?.(shown.at);
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    setChosen((before) => Math.min(buckets.length - 1, Math.max(0, (before ?? buckets.length) + by)));
  };
  if (!buckets.some(isShown)) return <p className="muted">{empty}</p>;
  return (
    <figure className="stack close">
      <div className="row small muted" aria-hidden>
        {columns.map((column, index) => (
          <span key={column} className="row tight">
            <span className={`chart-swatch ${swatches[index]}`} />
            {column}
          </span>
        ))}
      </div>
      <div className="chart-box">
        <span className="chart-most small muted number" aria-hidden>
          {most}
        </span>
        <svg
          className="chart"
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${name} Use the arrow keys to select a time${onOpen ? ' and Enter to open its deliveries' : ''}.`}
          tabIndex={0}
          onKeyDown={onKeyDown}
          onPointerLeave={() => setChosen(null)}
          onBlur={() => setChosen(null)}
        >
          {buckets.map(({ at }, index) => (
            <rect
              key={at}
              x={index * step}
              y={0}
              width={step}
              height={HEIGHT}
              className={`${index === chosen ? 'chart-chosen' : 'chart-ground'} ${onOpen ? 'chart-open' : ''}`}
              onPointerEnter={() => setChosen(index)}
              onClick={() => onOpen?.(at)}
            />
          ))}
          <g pointerEvents="none">{children}</g>
        </svg>
      </div>
      <figcaption className="row spread small muted number" aria-live="polite">
        {shown ? (
          <span>
            {shortTime(shown.at, zone)}:{' '}
            {valuesOf(shown)
              .map((value, index) => `${columns[index]?.toLowerCase()} ${value}`)
              .join(', ')}
          </span>
        ) : (
          <>
            <span>{buckets[0] && shortTime(buckets[0].at, zone)}</span>
            <span>{buckets.length > 1 && shortTime(buckets.at(-1)?.at ?? '', zone)}</span>
          </>
        )}
      </figcaption>
      <AsTable name={name} columns={columns} rows={buckets.filter(isShown)} valuesOf={valuesOf} />
    </figure>
  );
}

/** The same values as a table. */
function AsTable<B extends { at: string }>({
  name,
  columns,
  rows,
  valuesOf,
}: {
  name: string;
  columns: [string, string];
  rows: B[];
  valuesOf: (bucket: B) => string[];
}) {
  const zone = useZone();
  return (
    <details>
      <summary className="small">View as table</summary>
      <div className="table-wrap detail">
        <table>
          <caption className="visually-hidden">{name}</caption>
          <thead>
            <tr>
              <th scope="col">From</th>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="number">
            {rows.map((bucket) => (
              <tr key={bucket.at}>
                <td>{shortTime(bucket.at, zone)}</td>
                {valuesOf(bucket).map((value, index) => (
                  <td key={columns[index]}>{value}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
