import type { Stats } from '@posthorn/contract';
import { AttemptsChart } from '../ui/chart.js';
import { percent } from '../ui/number.js';
import { duration } from '../ui/time.js';

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const exact = new Intl.NumberFormat('en');

/** What happened in a time, against the time before it, and how it went on. */
export function FiguresPanel({ stats: { totals, previous, buckets } }: { stats: Stats }) {
  return (
    <div className="stack">
      <div className="cards">
        {totals.accepted !== null && <Card name="Accepted" of={totals.accepted} before={previous.accepted} />}
        <Card name="Delivered" of={totals.deliveries.succeeded} before={previous.deliveries.succeeded} />
        <Card name="Failed" of={totals.deliveries.failed} before={previous.deliveries.failed} />
        <div className="panel card">
          <p className="muted small">Attempts that succeed</p>
          <p className="figure">{percent(totals.successRate)}</p>
          <p className="muted small">before: {percent(previous.successRate)}</p>
        </div>
        <div className="panel card">
          <p className="muted small">Half within, 95 % within</p>
          <p className="figure">
            {time(totals.p50Ms)} · {time(totals.p95Ms)}
          </p>
          <p className="muted small">
            before: {time(previous.p50Ms)} · {time(previous.p95Ms)}
          </p>
        </div>
      </div>
      <div className="panel stack close">
        <h2>Attempts</h2>
        <AttemptsChart buckets={buckets} />
      </div>
    </div>
  );
}

const time = (ms: number | null): string => (ms === null ? '—' : duration(ms));

function Card({ name, of, before }: { name: string; of: number; before: number | null }) {
  return (
    <div className="panel card">
      <p className="muted small">{name}</p>
      <p className="figure" title={exact.format(of)}>
        {compact.format(of)}
      </p>
      <p className="muted small number">before: {before === null ? '—' : compact.format(before)}</p>
    </div>
  );
}
