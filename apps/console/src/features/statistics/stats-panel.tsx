import type { Stats, StatsPeriod } from '@posthorn/contract';
import { AttemptsChart, DurationsChart } from './chart.js';
import { Count } from '../../components/count.js';
import { percent } from '../../components/number.js';
import { duration } from '../../components/time.js';
import '../../components/cards.css';

/** The statistics of a time range, compared with the range before it. `onOpen` shows the deliveries between two times. */
export function StatsPanel({
  stats: { totals, previous, buckets },
  onOpen,
}: {
  stats: Stats;
  onOpen?: (from: string, to: string) => void;
}) {
  return (
    <div className="stack">
      <div className="cards">
        {totals.accepted !== null && <Card name="Accepted" of={totals.accepted} before={previous.accepted} />}
        <Card name="Delivered" of={totals.deliveries.succeeded} before={previous.deliveries.succeeded} />
        <Card name="Failed" of={totals.deliveries.failed} before={previous.deliveries.failed} />
        <div className="panel card">
          <p className="muted small">Success rate</p>
          <p className="stat">{percent(totals.successRate)}</p>
          <p className="muted small">previous period: {percent(previous.successRate)}</p>
        </div>
        <div className="panel card">
          <p className="muted small">Latency p50 · p95</p>
          <p className="stat">{times(totals)}</p>
          <p className="muted small">previous period: {times(previous)}</p>
        </div>
      </div>
      <div className="charts">
        <div className="panel stack close">
          <h3>Attempts</h3>
          <AttemptsChart
            buckets={buckets}
            onOpen={
              onOpen &&
              ((from) => onOpen(from, buckets[buckets.findIndex(({ at }) => at === from) + 1]?.at ?? totals.to))
            }
          />
        </div>
        <div className="panel stack close">
          <h3>Response time</h3>
          <DurationsChart buckets={buckets} />
        </div>
      </div>
    </div>
  );
}

/** Both in one unit if possible. */
function times({ p50Ms, p95Ms }: Pick<StatsPeriod, 'p50Ms' | 'p95Ms'>): string {
  if (p50Ms === null || p95Ms === null) return '—';
  return p95Ms < 1_000 ? `${p50Ms} · ${duration(p95Ms)}` : `${duration(p50Ms)} · ${duration(p95Ms)}`;
}

function Card({ name, of, before }: { name: string; of: number; before: number | null }) {
  return (
    <div className="panel card">
      <p className="muted small">{name}</p>
      <p className="stat">
        <Count of={of} />
      </p>
      <p className="muted small">previous period: {before === null ? '—' : <Count of={before} />}</p>
    </div>
  );
}
