import type { Attempt, Delivery, Subscription, Tone } from '@posthorn/contract';
import { DELIVERY_WORDS, DISABLED_REASONS, FAILING_WORDS, OUTCOME_WORDS, SUBSCRIPTION_WORDS } from '@posthorn/contract';
import { useNow } from './clock.js';
import { Sign } from './sign.js';
import { relativeTime } from './time.js';
import './pill.css';

/** A status as an icon and a word, never as a colour alone. */
export function Pill({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className={`pill tone-${tone}`}>
      <Sign of={tone} />
      {children}
    </span>
  );
}

export const subscriptionWords = ({ status, statusReason }: Pick<Subscription, 'status' | 'statusReason'>) =>
  (status === 'disabled' && statusReason !== null && DISABLED_REASONS[statusReason]) || SUBSCRIPTION_WORDS[status];

export function SubscriptionPill({ of }: { of: Pick<Subscription, 'status' | 'statusReason' | 'failingSince'> }) {
  const isFailing = of.status === 'active' && of.failingSince !== null;
  const { label, tone } = isFailing ? FAILING_WORDS : subscriptionWords(of);
  return <Pill tone={tone}>{label}</Pill>;
}

type Summary = Pick<Delivery, 'status' | 'attemptCount' | 'nextAttemptAt'> &
  Partial<Pick<Delivery, 'lastAttempt' | 'waitingFor'>>;

export function DeliveryPill({ of }: { of: Summary }) {
  const { tone, words } = deliveryWords(of, useNow());
  return <Pill tone={tone}>{words}</Pill>;
}

/** Whether the words of a delivery say when its next attempt is. */
export const saysTime = ({ waitingFor, attemptCount }: Delivery): boolean =>
  waitingFor?.state === 'scheduled' && attemptCount > 0;

/** The status, the last result and, while the delivery waits for it, the time of the next attempt: "Pending · 503 · retry in 4 min." */
export function deliveryWords(of: Summary, now: number): { tone: Tone; words: string } {
  const { label, tone } = DELIVERY_WORDS[of.status];
  const isRetrying = of.status === 'pending' && of.attemptCount > 0;
  const hasResult = of.status !== 'held' && of.status !== 'canceled';
  const parts = [
    label,
    hasResult && of.lastAttempt ? resultOf(of.lastAttempt) : null,
    isRetrying && of.nextAttemptAt !== null && isScheduled(of, now)
      ? `retry ${relativeTime(of.nextAttemptAt, now)}`
      : null,
  ];
  return { tone: isRetrying ? 'warning' : tone, words: parts.filter((part) => part !== null).join(' · ') };
}

/** Without `waitingFor`, a delivery waits for its next attempt while the time of that attempt is in the future. */
const isScheduled = ({ waitingFor, nextAttemptAt }: Summary, now: number): boolean =>
  waitingFor === undefined ? Date.parse(nextAttemptAt ?? '') > now : waitingFor?.state === 'scheduled';

/** The result of an attempt in a word or two: the status code, or the outcome if no response came. */
export const resultOf = ({ statusCode, outcome }: Pick<Attempt, 'statusCode' | 'outcome'>): string =>
  statusCode === null ? OUTCOME_WORDS[outcome] : String(statusCode);
