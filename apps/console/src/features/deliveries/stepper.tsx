import { type DeliveryDetail, DELIVERY_WORDS, WAITING_HELP } from '@posthorn/contract';
import { Link } from '@tanstack/react-router';
import { Check, CircleDashed, Clock, type LucideIcon, Pause, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useNow } from '../../components/clock.js';
import { resultOf } from '../../components/pill.js';
import { duration, Time } from '../../components/time.js';
import { waitingText } from './waiting-text.js';
import './stepper.css';

/** The steps of a delivery: accepted, attempts, and its next attempt or its end. */
export function Stepper({ delivery }: { delivery: DeliveryDetail }) {
  const { status, statusReason, attempts, createdAt, waitingFor } = delivery;
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
        {waitingFor === null ? DELIVERY_WORDS[status].text : WAITING_HELP[waitingFor.state]}
        {statusReason !== null &&
          statusReason !== 'exhausted' &&
          ` Reason: ${statusReason.replace('subscription', 'webhook').replaceAll('_', ' ')}.`}
      </p>
    </div>
  );
}

function LastStep({ delivery }: { delivery: DeliveryDetail }) {
  const { status, attemptCount, maxAttempts, completedAt } = delivery;
  switch (status) {
    case 'pending':
      return (
        <Step
          name={`Next attempt: ${attemptCount + 1} of ${Math.max(attemptCount + 1, maxAttempts)}`}
          icon={Clock}
          state="next"
        >
          <NextAttempt of={delivery} />
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

/** When the next attempt is, or what the delivery waits for. */
function NextAttempt({ of }: { of: DeliveryDetail }) {
  const now = useNow();
  const { accountId, nextAttemptAt, waitingFor } = of;
  if (waitingFor === null || waitingFor.state === 'scheduled') return <Time at={nextAttemptAt} isWhole />;
  const text = waitingText(of, now);
  return waitingFor.behind?.startsWith('dlv_') ? (
    <Link to="/accounts/$account/deliveries/$delivery" params={{ account: accountId, delivery: waitingFor.behind }}>
      {text}
    </Link>
  ) : (
    text
  );
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
