import type { Stats } from '@posthorn/contract';
import { type KeyboardEvent, useId, useState } from 'react';

const WIDTH = 1000;
const HEIGHT = 160;

const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const whole = new Intl.NumberFormat('en');

/** Attempts over time, those that failed on top and hatched. The buckets are read out one by one with the arrow keys. */
export function AttemptsChart({ buckets }: { buckets: Stats['buckets'] }) {
  const id = useId();
  const [chosen, setChosen] = useState<number | null>(null);
  const most = Math.max(1, ...buckets.map(({ attempts }) => attempts.ok + attempts.failed));
  const step = WIDTH / Math.max(1, buckets.length);
  const total = buckets.reduce((sum, { attempts }) => sum + attempts.ok, 0);
  const failed = buckets.reduce((sum, { attempts }) => sum + attempts.failed, 0);
  const shown = chosen === null ? undefined : buckets[chosen];
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    setChosen((before) => Math.min(buckets.length - 1, Math.max(0, (before ?? buckets.length) + by)));
  };
  return (
    <figure className="stack close">
      <svg
        className="chart"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Attempts: ${whole.format(total)} succeeded, ${whole.format(failed)} failed. Arrow keys tell each time.`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onPointerLeave={() => setChosen(null)}
        onBlur={() => setChosen(null)}
      >
        <defs>
          <pattern id={id} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width="6" height="6" className="chart-failed-ground" />
            <rect width="3" height="6" className="chart-failed" />
          </pattern>
        </defs>
        {buckets.map(({ at, attempts }, index) => {
          const ok = (attempts.ok / most) * (HEIGHT - 4);
          const bad = (attempts.failed / most) * (HEIGHT - 4);
          const x = index * step;
          return (
            <g key={at} onPointerEnter={() => setChosen(index)}>
              <rect
                x={x}
                y={0}
                width={step}
                height={HEIGHT}
                className={index === chosen ? 'chart-chosen' : 'chart-ground'}
              />
              <rect x={x + step * 0.1} y={HEIGHT - ok} width={step * 0.8} height={ok} className="chart-ok" />
              <rect x={x + step * 0.1} y={HEIGHT - ok - bad} width={step * 0.8} height={bad} fill={`url(#${id})`} />
            </g>
          );
        })}
      </svg>
      <figcaption className="row spread small muted number" aria-live="polite">
        {shown ? (
          <span>
            {moment.format(new Date(shown.at))}: {whole.format(shown.attempts.ok)} succeeded,{' '}
            {whole.format(shown.attempts.failed)} failed
            {shown.p95Ms !== null && `, 95 % within ${shown.p95Ms} ms`}
          </span>
        ) : (
          <>
            <span>{buckets[0] && moment.format(new Date(buckets[0].at))}</span>
            <span>now</span>
          </>
        )}
      </figcaption>
      <details>
        <summary className="small">View as table</summary>
        <div className="table-wrap detail">
          <table>
            <caption className="visually-hidden">Attempts over time</caption>
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">Succeeded</th>
                <th scope="col">Failed</th>
                <th scope="col">95 % within</th>
              </tr>
            </thead>
            <tbody className="number">
              {buckets
                .filter(({ attempts }) => attempts.total > 0)
                .map(({ at, attempts, p95Ms }) => (
                  <tr key={at}>
                    <td>{moment.format(new Date(at))}</td>
                    <td>{whole.format(attempts.ok)}</td>
                    <td>{whole.format(attempts.failed)}</td>
                    <td>{p95Ms === null ? '—' : `${p95Ms} ms`}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
