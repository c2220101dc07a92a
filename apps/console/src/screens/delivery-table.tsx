import type { Delivery } from '@posthorn/contract';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useAct } from '../data/act.js';
import { accountPath } from '../data/queries.js';
import type { ListSearch } from '../router.js';
import { useMay } from '../session.js';
import { Menu } from '../ui/menu.js';
import { useIsNarrow } from '../ui/narrow.js';
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
        tight('Attempts'),
        tight('Duration'),
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
  const { id, event, url, attemptCount, maxAttempts, lastAttempt, createdAt } = delivery;
  const retry = useRetry(account, id);
  const may = useMay();
  return (
    <tr>
      <td className="tight">
        <DeliveryPill of={delivery} />
      </td>
      <td>
        <DeliveryLink account={account} id={id}>
          {event}
        </DeliveryLink>
      </td>
      {!isOfOne && (
        <td>
          <Url url={url} />
        </td>
      )}
      <td className="tight number" data-label="Attempts">
        {attemptCount}
        <span className="muted">/{Math.max(attemptCount, maxAttempts)}</span>
      </td>
      <td className="tight number" data-label="Duration">
        {lastAttempt === null ? <span className="muted">—</span> : duration(lastAttempt.durationMs)}
      </td>
      <td className="tight" data-label="Created">
        <Time at={createdAt} />
      </td>
      <td className="tight acts">
        {may('deliveries:write') && (
          <Menu
            label={`Acts on this ${event}`}
            items={[{ label: 'Retry now', onSelect: () => retry.mutate(undefined) }]}
          />
        )}
      </td>
    </tr>
  );
}

/** Opens a delivery beside the list that it is in, at the address of its own page; where there is no room, it goes to that page. */
export function DeliveryLink({ account, id, children }: { account: string; id: string; children: ReactNode }) {
  const page = { to: '/accounts/$account/deliveries/$delivery', params: { account, delivery: id } } as const;
  if (useIsNarrow())
    return (
      <Link className="rowlink mono" {...page}>
        {children}
      </Link>
    );
  return (
    <Link
      id={id}
      className="rowlink mono"
      to="."
      search={(before: ListSearch) => ({ ...before, delivery: id })}
      mask={page}
      resetScroll={false}
    >
      {children}
    </Link>
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
