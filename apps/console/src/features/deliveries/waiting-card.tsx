import type { WaitingDeliveries, WaitingState } from '@posthorn/contract';
import { Link } from '@tanstack/react-router';
import { whole } from '../../components/number.js';
import { WaitingCount } from './waiting-count.js';
import './waiting-card.css';

/** The text after the number of deliveries that wait for a reason: singular, then plural. */
const REASONS: Record<WaitingState, [one: string, several: string]> = {
  scheduled: ['waits for its next attempt', 'wait for their next attempt'],
  leased: ['is queued for a worker', 'are queued for a worker'],
  ready: ['is about to be queued', 'are about to be queued'],
  overdue: ['is overdue: no worker attempts it', 'are overdue: no worker attempts them'],
  deferred_slots: ['waits for other attempts of its webhook to end', 'wait for other attempts of their webhook to end'],
  deferred_rate_limit: ['waits for its turn under a rate limit', 'wait for their turn under a rate limit'],
  deferred_order: [
    'waits for the delivery before it (strict order)',
    'wait for the deliveries before them (strict order)',
  ],
  deferred_circuit_open: ['waits because its endpoint keeps failing', 'wait because their endpoint keeps failing'],
  held: ['is held: its webhook is paused or disabled', 'are held: their webhook is paused or disabled'],
};

/** How many deliveries of an account wait, for how long, and why. */
export function WaitingCard({ account, waiting }: { account: string; waiting: WaitingDeliveries }) {
  return (
    <section className="panel stack close waiting-card" aria-labelledby="waiting">
      <h2 id="waiting">Waiting</h2>
      {waiting.count === 0 ? (
        <p className="muted">No deliveries are waiting.</p>
      ) : (
        <Reasons account={account} waiting={waiting} />
      )}
    </section>
  );
}

function Reasons({ account, waiting }: { account: string; waiting: WaitingDeliveries }) {
  const { count, more, reasons } = waiting;
  const explained = reasons.reduce((sum, one) => sum + one.count, 0);
  const isSample = more || explained < count;
  return (
    <>
      <p>
        <WaitingCount of={waiting} />
      </p>
      <ul className="stack tight small">
        {reasons.map((one) => (
          <li key={one.state}>
            {whole.format(one.count)} {REASONS[one.state][one.count === 1 ? 0 : 1]}
          </li>
        ))}
      </ul>
      <Link to="/accounts/$account/deliveries" params={{ account }} search={{ status: 'pending,held' }}>
        See the waiting deliveries
      </Link>
      {isSample && (
        <p className="muted small">These reasons cover only the {whole.format(explained)} oldest deliveries.</p>
      )}
    </>
  );
}
