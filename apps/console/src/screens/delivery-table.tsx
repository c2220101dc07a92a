import { type Delivery, fill, OUTCOME_WORDS } from '@posthorn/contract';
import { Link } from '@tanstack/react-router';
import { useAct } from '../data/act.js';
import { accountPath } from '../data/queries.js';
import { useMay } from '../session.js';
import { Menu } from '../ui/menu.js';
import { Url } from '../ui/outside-text.js';
import { DeliveryPill } from '../ui/pill.js';
import { duration, Time } from '../ui/time.js';
import { useSay } from '../ui/toasts.js';
import { ACTS, Table, tight } from '../ui/table.js';

/** Deliveries as rows; `isOfOne`: all of one webhook, which need not be named. */
export function DeliveryTable({
  account,
  deliveries,
  isOfOne = false,
}: {
  account: string;
  deliveries: Delivery[];
  isOfOne?: boolean;
}) {
  return (
    <Table
      caption="Deliveries, newest first"
      columns={[
        tight('Status'),
        'Event type',
        ...(isOfOne ? [] : ['Webhook']),
        'Last attempt',
        tight('Attempts'),
        tight('Created'),
        ACTS,
      ]}
    >
      {deliveries.map((one) => (
        <Row key={one.id} account={account} delivery={one} isOfOne={isOfOne} />
      ))}
    </Table>
  );
}

function Row({ account, delivery, isOfOne }: { account: string; delivery: Delivery; isOfOne: boolean }) {
  const retry = useRetry(account, delivery.id);
  const may = useMay();
  return (
    <tr>
      <td className="tight">
        <DeliveryPill of={delivery} />
      </td>
      <td>
        <Link
          className="rowlink mono"
          to="/accounts/$account/deliveries/$delivery"
          params={{ account, delivery: delivery.id }}
        >
          {delivery.event}
        </Link>
      </td>
      {!isOfOne && (
        <td>
          <Url url={delivery.url} />
        </td>
      )}
      <td data-label="Last attempt">
        <LastAttempt of={delivery.lastAttempt} />
      </td>
      <td className="tight number" data-label="Attempts">
        {delivery.attemptCount}
      </td>
      <td className="tight" data-label="Created">
        <Time at={delivery.createdAt} />
      </td>
      <td className="tight acts">
        {may('deliveries:write') && (
          <Menu
            label={`Acts on this ${delivery.event}`}
            items={[{ label: 'Retry now', onSelect: () => retry.mutate(undefined) }]}
          />
        )}
      </td>
    </tr>
  );
}

function LastAttempt({ of }: { of: Delivery['lastAttempt'] }) {
  if (of === null) return <span className="muted">Not tried yet</span>;
  return (
    <span title={fill(OUTCOME_WORDS[of.outcome].title, { status: of.statusCode })}>
      {of.statusCode ?? of.outcome.replaceAll('_', ' ')}
      <span className="muted"> · {duration(of.durationMs)}</span>
    </span>
  );
}

/** One attempt now. It is queued, which is all that can be said; the row changes when the result is in. */
export function useRetry(account: string, id: string) {
  const say = useSay();
  return useAct<unknown>({
    path: `${accountPath(account)}/deliveries/${id}/retry`,
    touches: ['accounts', account, 'deliveries'],
    onDone: () => say('Retry queued.'),
  });
}
