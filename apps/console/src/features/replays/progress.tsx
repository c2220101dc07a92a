import type { Replay } from '@posthorn/contract';
import { Count } from '../../components/count.js';
import { whole } from '../../components/number.js';
import './progress.css';

type Counts = Pick<Replay, 'status' | 'matched' | 'more' | 'queued' | 'delivered' | 'failed' | 'pending'>;

/** The number of deliveries of the replay. While the replay queues them, this is an estimate. */
const totalOf = ({ status, matched, queued }: Counts): number =>
  status === 'running' ? Math.max(matched, queued) : queued;

/** "12 of 37 delivered". A plus: the total is not known yet. */
export function deliveredOf(replay: Counts): string {
  const plus = replay.status === 'running' && replay.more ? '+' : '';
  return `${whole.format(replay.delivered)} of ${whole.format(totalOf(replay))}${plus} delivered`;
}

/** The progress of a replay: how many deliveries are delivered, failed, pending or not queued yet. */
export function Progress({ of }: { of: Counts }) {
  const total = totalOf(of);
  const queueing = of.status === 'running' ? Math.max(0, total - of.queued) : 0;
  const superseded = Math.max(0, of.queued - of.delivered - of.failed - of.pending);
  const parts = [
    { name: 'Delivered', count: of.delivered, className: 'is-delivered' },
    { name: 'Failed', count: of.failed, className: 'is-failed' },
    { name: 'Pending', count: of.pending, className: 'is-pending' },
    ...(queueing > 0 ? [{ name: 'Not queued yet', count: queueing, className: 'is-queueing' }] : []),
    ...(superseded > 0 ? [{ name: 'In a later replay', count: superseded, className: 'is-queueing' }] : []),
  ];
  return (
    <div className="stack tight">
      <p className="number" id="progress-label">
        <strong>{deliveredOf(of)}</strong>
      </p>
      <div
        className="replay-bar"
        role="progressbar"
        aria-labelledby="progress-label"
        aria-valuemin={0}
        aria-valuemax={Math.max(1, total)}
        aria-valuenow={of.delivered}
      >
        {parts.map(({ name, count, className }) => (
          <span key={name} className={className} style={{ flexGrow: count }} />
        ))}
      </div>
      <ul className="replay-legend">
        {parts.map(({ name, count, className }) => (
          <li key={name}>
            <span className={`replay-key ${className}`} aria-hidden />
            {name} <Count of={count} />
          </li>
        ))}
      </ul>
    </div>
  );
}
