import { type DeliveryDetail, DELIVERY_WORDS } from '@posthorn/contract';
import { Check, CircleDashed, Clock, type LucideIcon, Pause, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { resultOf } from '../../components/pill.js';
import { duration, Time } from '../../components/time.js';
import './stepper.css';

/** The steps of a delivery: accepted, attempts, and its next attempt or its end. */
export function Stepper({ delivery }: { delivery: DeliveryDetail }) {
  const { status, statusReason, attempts, createdAt } = delivery;
  const last = attempts.at(-1);
  return (
    <div className="panel stack">
      <ol className="stepper">
        <Step name="Accepted" icon={Check} state="done">
          <Time at={createdAt} isWhole />
        </Step>
        <Step
          name={
            last === undefined ? 'No attempts yet' : attempts.length === 1 ? '1 attempt' : `${attempts.length} attempts`
          }
          icon={last === undefined ? CircleDashed : Check}
          state={last === undefined ? 'open' : 'done'}
        >
          {last && (
            <>
              Last: {resultOf(last)}, {duration(last.durationMs)}
            </>
          )}
        </Step>
        <LastStep delivery={delivery} />
      </ol>
      <p className="muted small">
        {DELIVERY_WORDS[status].text}
        {statusReason !== null && statusReason !== 'exhausted' && ` Reason: ${statusReason.replaceAll('_', ' ')}.`}
      </p>
    </div>
  );
}

function LastStep({
  delivery: { status, attemptCount, maxAttempts, completedAt, nextAttemptAt },
}: {
  delivery: DeliveryDetail;
}) {
  switch (status) {
    case 'pending':
      return (
        <Step
          name={`Next attempt: ${attemptCount + 1} of ${Math.max(attemptCount + 1, maxAttempts)}`}
          icon={Clock}
          state="next"
        >
          <Time at={nextAttemptAt} isWhole />
        </Step>
      );
    case 'held':
      return <Step name={DELIVERY_WORDS.held.label} icon={Pause} state="next" />;
    case 'succeeded':
    case 'failed':
    case 'canceled':
      return (
        <Step
          name={DELIVERY_WORDS[status].label}
          icon={status === 'succeeded' ? Check : X}
          state={status === 'failed' ? 'failed' : 'done'}
        >
          <Time at={completedAt} isWhole />
        </Step>
      );
    default:
      return status satisfies never;
  }
}

function Step({
  name,
  icon: Icon,
  state,
  children,
}: {
  name: string;
  icon: LucideIcon;
  state: 'done' | 'open' | 'next' | 'failed';
  children?: ReactNode;
}) {
  return (
    <li data-state={state}>
      <span className="dot">
        <Icon className="icon" aria-hidden />
      </span>
      <span className="stack tight">
        <strong>{name}</strong>
        {children && <span className="small">{children}</span>}
      </span>
    </li>
  );
}
