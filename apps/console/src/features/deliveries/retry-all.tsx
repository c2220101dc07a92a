import { REPLAYABLE_STATUSES } from '@posthorn/contract';
import { Link } from '@tanstack/react-router';
import { ALL } from '../../components/range.js';
import type { DeliverySearch } from '../../search.js';

/** Opens a replay with the filters of the list. A replay supports all of them. */
export function RetryAll({
  account,
  search,
}: {
  account: string;
  search: DeliverySearch & { subscription?: string | undefined };
}) {
  const { q, subscription, status, outcome, statusCode, trigger, eventType, event, replay, range, from, to } = search;
  const wanted = status?.split(',');
  const replayable = wanted?.filter((one) => (REPLAYABLE_STATUSES as readonly string[]).includes(one));
  if (replayable?.length === 0)
    return (
      <span className="row small muted">
        Nothing to retry:{' '}
        {wanted?.includes('held')
          ? 'held deliveries are sent when you resume their webhook.'
          : 'pending deliveries are sent automatically.'}
      </span>
    );
  // Without a range, the list shows deliveries of any time.
  const isBounded = [range, from, to, replay, event].some(Boolean);
  return (
    <Link
      className="button"
      to="/accounts/$account/replays/new"
      params={{ account }}
      search={{
        q,
        subscription,
        status: replayable?.join(','),
        outcome,
        statusCode,
        trigger,
        eventType,
        event,
        replay,
        range: isBounded ? range : ALL.id,
        from,
        to,
      }}
    >
      Retry all that match
    </Link>
  );
}
