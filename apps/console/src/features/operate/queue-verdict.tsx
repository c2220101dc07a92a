import { MOST_COUNTED, type Queues } from '@posthorn/contract';
import { Link } from '@tanstack/react-router';
import { CircleCheck, CircleX, TriangleAlert } from 'lucide-react';
import { Fragment, type ReactNode } from 'react';
import { countUpTo, whole } from '../../components/number.js';
import { age } from '../../components/time.js';
import '../../components/banner.css';

/** A sentence about whether deliveries are sent. Its parts link to details. */
export function QueueVerdict({ of }: { of: Queues }) {
  const { tone, text, parts } = verdictOf(of);
  const Icon = { success: CircleCheck, warning: TriangleAlert, danger: CircleX }[tone];
  return (
    <div className={`banner tone-${tone}`} role="status">
      <Icon className="icon" aria-hidden />
      <span className="text">
        <strong>{text}</strong>
        {parts.map((part, index) => (
          // The parts of one sentence, always in this order.
          // oxlint-disable-next-line react/no-array-index-key
          <Fragment key={index}>; {part}</Fragment>
        ))}
        .
      </span>
    </div>
  );
}

function verdictOf({ queues, workersAlive, deliveries, circuits, mostBehind }: Queues): {
  tone: 'success' | 'warning' | 'danger';
  text: ReactNode;
  parts: ReactNode[];
} {
  const parts = waitingParts({ deliveries, circuits, mostBehind });
  if (workersAlive === 0) return { tone: 'danger', text: 'Nothing is delivered: no worker is alive', parts };
  if (queues === null)
    return { tone: 'danger', text: 'The queue is not responding: no event is lost, deliveries are delayed', parts };
  const { overdue, oldestOverdueSeconds } = deliveries;
  if (overdue > 0) {
    const oldest = oldestOverdueSeconds === null ? '' : `, the oldest for ${age(oldestOverdueSeconds)}`;
    const text = (
      <>
        Deliveries are late:{' '}
        <Link to="/attention">
          {some(overdue)} overdue{oldest}
        </Link>
      </>
    );
    return { tone: 'warning', text, parts };
  }
  return { tone: 'success', text: 'Delivering normally', parts };
}

function waitingParts({
  deliveries: { deferred, deferredByCircuit, overdue, held, expanding, oldestExpanding },
  circuits,
  mostBehind,
}: Pick<Queues, 'deliveries' | 'circuits' | 'mostBehind'>): ReactNode[] {
  const openCircuits = circuits.open + circuits.halfOpen;
  const others = Math.max(0, deferred - deferredByCircuit - overdue);
  return [
    deferredByCircuit > 0 && (
      <Link to="/attention">
        {some(deferredByCircuit)} {verb(deferredByCircuit, 'waits', 'wait')} on {whole.format(openCircuits)} open{' '}
        {openCircuits === 1 ? 'circuit' : 'circuits'}
      </Link>
    ),
    others > 0 && (
      <>
        {some(others, deferred >= MOST_COUNTED)} {verb(others, 'waits', 'wait')} for capacity or a rate limit
        {mostBehind.map(({ accountId }, index) => (
          <Fragment key={accountId}>
            {index === 0 ? ', most behind: ' : ', '}
            <Link to="/accounts/$account/deliveries" params={{ account: accountId }} search={{ status: 'pending' }}>
              {accountId}
            </Link>
          </Fragment>
        ))}
      </>
    ),
    held > 0 && (
      <Link to="/accounts" search={{ sort: 'waiting' }}>
        {some(held)} {verb(held, 'is', 'are')} held by paused or disabled webhooks
      </Link>
    ),
    expanding === 1 && <ToEvent of={oldestExpanding}>1 large event is still expanding</ToEvent>,
    expanding > 1 && (
      <>
        {countUpTo(expanding, MOST_COUNTED)} large events are still expanding, the oldest for{' '}
        <ToEvent of={oldestExpanding}>{oldestExpanding?.accountId}</ToEvent>
      </>
    ),
  ].filter((part) => part !== false);
}

function ToEvent({ of, children }: { of: Queues['deliveries']['oldestExpanding']; children: ReactNode }) {
  if (of === null) return children;
  const { accountId: account, eventId: event } = of;
  return (
    <Link to="/accounts/$account/events/$event" params={{ account, event }}>
      {children}
    </Link>
  );
}

const some = (count: number, isAtLeast = false): string =>
  `${countUpTo(count, isAtLeast ? count : MOST_COUNTED)} ${count === 1 ? 'delivery' : 'deliveries'}`;
const verb = (count: number, one: string, many: string): string => (count === 1 ? one : many);
