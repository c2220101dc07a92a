import type { DeliveryStatus, Outage, Subscription } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { countOf } from '../../components/number.js';
import { Moment } from '../../components/time.js';
import { shortTime, useZone } from '../../components/zone.js';
import { deliveriesQuery, deliveryCountQuery } from '../../queries/deliveries.js';

/** After an outage: how many of the waiting deliveries were sent. Renders nothing once no delivery waits, or each of the rest only waits for its
 *  next attempt. */
export function OutageProgress({
  account,
  subscription: { id },
  outage,
}: {
  account: string;
  subscription: Subscription;
  outage: Outage;
}) {
  const zone = useZone();
  const { from, until, isCatchingUp } = outage;
  const of = { subscription: [id], to: until };
  const left = useQuery(deliveriesQuery(account, { ...of, status: ['pending'], limit: 25 })).data?.data ?? [];
  const isSending =
    left.length > 0 && (isCatchingUp || left.some(({ waitingFor }) => waitingFor?.state !== 'scheduled'));
  const count = (status: DeliveryStatus, since?: string) => ({
    ...deliveryCountQuery(account, { ...of, status: [status], from: since }),
    enabled: isSending,
  });
  const waiting = useQuery(count('pending')).data;
  const delivered = useQuery(count('succeeded', from)).data;
  const failed = useQuery(count('failed', from)).data;
  if (!isSending || !waiting || !delivered || !failed) return null;
  const done = delivered.count + failed.count;
  return (
    <div className="panel stack close" role="status">
      <strong>
        The endpoint has worked again since <Moment at={until} text={shortTime(until, zone)} />. The waiting deliveries
        are being sent.
      </strong>
      <progress value={done} max={done + waiting.count} aria-label="Deliveries sent" />
      <span className="small number row spread">
        <span>
          {countOf(delivered)} delivered, {countOf(failed)} failed, {countOf(waiting)} still waiting
        </span>
        <Link
          to="/accounts/$account/subscriptions/$subscription/deliveries"
          params={{ account, subscription: id }}
          search={{ from, to: until }}
        >
          See these deliveries
        </Link>
      </span>
    </div>
  );
}
