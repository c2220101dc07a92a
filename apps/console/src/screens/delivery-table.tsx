import type { Delivery } from '@posthorn/contract';
import { useNavigate } from '@tanstack/react-router';
import type { MouseEvent, ReactNode } from 'react';
import { useAct } from '../data/act.js';
import { accountPath } from '../data/queries.js';
import type { ListSearch } from '../router.js';
import { useMay } from '../session.js';
import { Menu } from '../ui/menu.js';
import { isNarrow } from '../ui/narrow.js';
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
  const retry = useRetry(account);
  const mayRetry = useMay()('deliveries:write');
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
        <Row key={one.id} account={account} delivery={one} isOfOne={isOfOne} onRetry={mayRetry ? retry.mutate : null} />
      ))}
    </Table>
  );
}

function Row({
  account,
  delivery,
  isOfOne,
  onRetry,
}: {
  account: string;
  delivery: Delivery;
  isOfOne: boolean;
  /** null where that is not allowed. */
  onRetry: ((id: string) => void) | null;
}) {
  const { id, event, url, attemptCount, maxAttempts, lastAttempt, createdAt } = delivery;
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
        {onRetry && (
          <Menu label={`Acts on this ${event}`} items={[{ label: 'Retry now', onSelect: () => onRetry(id) }]} />
        )}
      </td>
    </tr>
  );
}

/** Opens a delivery beside the list that it is in, at the address of its own page; where there is no room, it goes to that page.
 *  A plain anchor, relative to the page's base: each of the router's `Link` works out all of the address it would lead to, at each look. */
export function DeliveryLink({ account, id, children }: { account: string; id: string; children: ReactNode }) {
  const navigate = useNavigate();
  function open(event: MouseEvent): void {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // the browser’s: a tab, a window, a file
    event.preventDefault();
    const page = { to: '/accounts/$account/deliveries/$delivery', params: { account, delivery: id } } as const;
    void navigate(
      isNarrow()
        ? page
        : {
            to: '.',
            search: (before: ListSearch) => ({ ...before, delivery: id }),
            mask: page,
            resetScroll: false,
          },
    );
  }
  return (
    <a
      id={id}
      className="rowlink mono"
      href={`accounts/${encodeURIComponent(account)}/deliveries/${id}`}
      onClick={open}
    >
      {children}
    </a>
  );
}

/** One attempt now, of the delivery with that id. It is queued, which is all that can be said; the row changes when the result is in. */
export function useRetry(account: string) {
  const say = useSay();
  return useAct<unknown, string>({
    path: (id) => `${accountPath(account)}/deliveries/${id}/retry`,
    touches: ['accounts', account, 'deliveries'],
    onDone: () => say('Retry queued.'),
  });
}
