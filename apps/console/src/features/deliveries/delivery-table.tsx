import type { Delivery, Tone } from '@posthorn/contract';
import { useNavigate } from '@tanstack/react-router';
import { RotateCw } from 'lucide-react';
import { memo, type MouseEvent, type ReactNode, useCallback, useEffect, useRef } from 'react';
import { useAction } from '../../api/action.js';
import { accountPath } from '../../api/account-path.js';
import { useMay } from '../session/session.js';
import { Button } from '../../components/button.js';
import { useNow } from '../../components/clock.js';
import { isNarrow } from '../../components/narrow.js';
import { Url } from '../../components/outside-text.js';
import { deliveryWords, Pill } from '../../components/pill.js';
import { duration, Moment, relativeTime } from '../../components/time.js';
import { useSay } from '../../components/toasts.js';
import { ACTIONS, Table, tight } from '../../components/table.js';
import { waitingText } from './waiting-text.js';

/** A table of deliveries. `isOfOne`: all belong to one webhook, so the rows do not name it. A page has a hundred rows, so the hooks run
 *  once per table, and a row renders again only when its data changes. */
export function DeliveryTable({
  account,
  deliveries,
  isOfOne = false,
  selection,
}: {
  account: string;
  deliveries: Delivery[];
  isOfOne?: boolean;
  /** Rows can be selected, by those who may retry them. */
  selection?: { ids: ReadonlySet<string>; onChange: (ids: Set<string>) => void };
}) {
  const { mutate: retry } = useRetry(account);
  const mayRetry = useMay()('deliveries:write');
  const open = useOpenDelivery(account);
  const now = useNow();
  const rows = deliveries.map((delivery) => ({ delivery, ...deliveryWords(delivery, now) }));
  const isSelectable = selection !== undefined && mayRetry;
  const latest = useRef(selection);
  useEffect(() => void (latest.current = selection));
  const select = useCallback((id: string, isSelected: boolean) => {
    const ids = new Set(latest.current?.ids);
    if (isSelected) ids.add(id);
    else ids.delete(id);
    latest.current?.onChange(ids);
  }, []);
  // As wide as the longest status (a letter is about 0.38 rem) and its icon. At 30 %, it wraps.
  const status = `min(${Math.max(...rows.map(({ words }) => words.length))} * 0.38rem + ${isSelectable ? 114 : 86}px, 30%)`;
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
        ACTIONS,
      ]}
      widths={[status, 22, ...(isOfOne ? [] : [18]), '84px', '84px', '108px', '56px']}
    >
      {rows.map(({ delivery, tone, words }) => (
        <Row
          key={delivery.id}
          account={account}
          delivery={delivery}
          isOfOne={isOfOne}
          tone={tone}
          words={words}
          waiting={waitingText(delivery, now)}
          created={relativeTime(delivery.createdAt, now)}
          onOpen={open}
          onRetry={mayRetry ? retry : null}
          isSelected={selection?.ids.has(delivery.id) ?? false}
          onSelect={isSelectable ? select : null}
        />
      ))}
    </Table>
  );
}

const Row = memo(function Row({
  account,
  delivery: { id, status, event, url, attemptCount, maxAttempts, lastAttempt, createdAt },
  isOfOne,
  tone,
  words,
  waiting,
  created,
  onOpen,
  onRetry,
  isSelected,
  onSelect,
}: {
  account: string;
  delivery: Delivery;
  isOfOne: boolean;
  tone: Tone;
  words: string;
  waiting: string | null;
  created: string;
  onOpen: (event: MouseEvent) => void;
  /** null if the session may not retry. */
  onRetry: ((id: string) => void) | null;
  isSelected: boolean;
  /** null where rows cannot be selected. */
  onSelect: ((id: string, isSelected: boolean) => void) | null;
}) {
  // A list offers a retry only for a delivery that has not succeeded; the delivery's own page offers it always.
  const isRetryable = status === 'failed' || status === 'canceled' || (status === 'pending' && attemptCount > 0);
  return (
    <tr aria-selected={isSelected || undefined}>
      <td>
        {onSelect && (
          <input
            type="checkbox"
            className="select-row"
            aria-label={`Select ${event} of ${created}`}
            checked={isSelected}
            onChange={({ target }) => onSelect(id, target.checked)}
          />
        )}
        <Pill tone={tone}>{words}</Pill>
        {waiting !== null && <div className="small muted">{waiting}</div>}
      </td>
      <td>
        <DeliveryLink account={account} id={id} onOpen={onOpen}>
          {event}
        </DeliveryLink>
      </td>
      {!isOfOne && (
        <td>
          <Url url={url} />
        </td>
      )}
      <td data-label="Attempts">{`${attemptCount}/${Math.max(attemptCount, maxAttempts)}`}</td>
      <td data-label="Duration">{lastAttempt === null ? '—' : duration(lastAttempt.durationMs)}</td>
      <td data-label="Created">
        <Moment at={createdAt} text={created} />
      </td>
      {onRetry && isRetryable && (
        <td className="actions">
          <Button
            look="plain"
            label={`Retry ${event}`}
            onClick={() => {
              document.getElementById(id)?.focus(); // the button disappears after a success
              onRetry(id);
            }}
          >
            <RotateCw className="icon" aria-hidden />
          </Button>
        </td>
      )}
    </tr>
  );
});

/** Opens a delivery in a drawer, or on a narrow screen as a page. A plain anchor, because the router's `Link` computes its whole address
 *  at each render, which is slow in long lists. */
export function DeliveryLink({
  account,
  id,
  onOpen,
  children,
}: {
  account: string;
  id: string;
  /** The result of `useOpenDelivery`. */
  onOpen: (event: MouseEvent) => void;
  children: ReactNode;
}) {
  return (
    <a
      id={id}
      className="rowlink mono"
      href={`accounts/${encodeURIComponent(account)}/deliveries/${id}`}
      onClick={onOpen}
    >
      {children}
    </a>
  );
}

/** The click handler of the links in a list. */
export function useOpenDelivery(account: string): (event: MouseEvent) => void {
  const navigate = useNavigate();
  return useCallback(
    (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // the browser opens a tab or a window
      event.preventDefault();
      const { id } = event.currentTarget;
      const page = { to: '/accounts/$account/deliveries/$delivery', params: { account, delivery: id } } as const;
      void navigate(
        isNarrow()
          ? page
          : {
              to: '.',
              search: (before) => ({ ...before, delivery: id }),
              mask: page,
              resetScroll: false,
            },
      );
    },
    [account, navigate],
  );
}

/** Queues an attempt of the delivery with that ID. The row changes when the result arrives. */
export function useRetry(account: string) {
  const say = useSay();
  return useAction<unknown, string>({
    path: (id) => `${accountPath(account)}/deliveries/${id}/retry`,
    touches: ['accounts', account, 'deliveries'],
    onDone: () => say('Retry queued.'),
  });
}
