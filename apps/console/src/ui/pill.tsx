import type { Delivery, Subscription, Tone } from '@posthorn/contract';
import { DELIVERY_WORDS, DISABLED_REASONS, FAILING_WORDS, SUBSCRIPTION_WORDS } from '@posthorn/contract';
import { CircleCheck, CircleMinus, CircleX, Hourglass, type LucideIcon, TriangleAlert } from 'lucide-react';

const ICONS: Record<Tone, LucideIcon> = {
  success: CircleCheck,
  progress: Hourglass,
  warning: TriangleAlert,
  danger: CircleX,
  neutral: CircleMinus,
};

/** A status: icon and word, never colour alone. */
export function Pill({ tone, children }: { tone: Tone; children: string }) {
  const Icon = ICONS[tone];
  return (
    <span className={`pill tone-${tone}`}>
      <Icon className="icon" aria-hidden />
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

export function DeliveryPill({ of }: { of: Pick<Delivery, 'status' | 'attemptCount'> }) {
  const { label, tone } = DELIVERY_WORDS[of.status];
  const isRetrying = of.status === 'pending' && of.attemptCount > 0;
  return <Pill tone={isRetrying ? 'warning' : tone}>{isRetrying ? 'Pending · retry' : label}</Pill>;
}
