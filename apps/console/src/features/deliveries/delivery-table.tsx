import type { Delivery, Tone } from '@posthorn/contract';
import { useNavigate } from '@tanstack/react-router';
import { memo, type MouseEvent, type ReactNode, useCallback, useEffect, useMemo, useRef } from 'react';
import { useAction } from '../../components/action.js';
import { accountPath } from '../../api/account-path.js';
import { useMay } from '../session/session.js';
import { useCopy } from '../../components/copy.js';
import { Menu, type MenuItem } from '../../components/menu.js';
import { useNow } from '../../components/clock.js';
import { isNarrow, isPlainClick } from '../../components/narrow.js';
import { Url } from '../../components/outside-text.js';
import { deliveryWords, Pill, saysTime } from '../../components/pill.js';
import { duration, Moment, relativeTime } from '../../components/time.js';
import { useToast } from '../../components/toasts.js';
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
  const mayRetry = useMay()('deliveries:write');
  const actions = useRowActions(account, isOfOne);
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
      widths={[status, 19, ...(isOfOne ? [] : [21]), '80px', '84px', '104px', '48px']}
    >
      {rows.map(({ delivery, tone, words }) => (
        <Row
          key={delivery.id}
          account={account}
          delivery={delivery}
          isOfOne={isOfOne}
          tone={tone}
          words={words}
          waiting={saysTime(delivery) ? null : waitingText(delivery, now)}
          created={relativeTime(delivery.createdAt, now)}
          onOpen={open}
          actions={actions}
          isSelected={selection?.ids.has(delivery.id) ?? false}
          onSelect={isSelectable ? select : null}
        />
      ))}
    </Table>
  );
}

type Action = (delivery: Delivery) => void;
/** null: not allowed, or not useful in this list. */
type RowActions = { retry: Action | null; copyId: Action; openEvent: Action | null; openWebhook: Action | null };

function useRowActions(account: string, isOfOne: boolean): RowActions {
  const { mutate } = useRetry(account);
  const copy = useCopy();
  const navigate = useNavigate();
  const may = useMay();
  const [mayRetry, mayReadEvents, mayReadWebhooks] = [
    may('deliveries:write'),
    may('events:read'),
    may('subscriptions:read'),
  ];
  return useMemo(
    () => ({
      retry: mayRetry ? ({ id }) => mutate(id) : null,
      copyId: ({ id }) => void copy(id),
      openEvent: mayReadEvents
        ? ({ eventId }) =>
            void navigate({ to: '/accounts/$account/events/$event', params: { account, event: eventId } })
        : null,
      openWebhook:
        mayReadWebhooks && !isOfOne
          ? ({ subscriptionId }) =>
              void navigate({
                to: '/accounts/$account/subscriptions/$subscription',
                params: { account, subscription: subscriptionId },
              })
          : null,
    }),
    [account, isOfOne, mutate, copy, navigate, mayRetry, mayReadEvents, mayReadWebhooks],
  );
}

function menuOf(delivery: Delivery, { retry, copyId, openEvent, openWebhook }: RowActions): MenuItem[] {
  const { status, attemptCount } = delivery;
  // A list offers a retry only for a delivery that has not succeeded; the delivery's own page offers it always.
  const isRetryable = status === 'failed' || status === 'canceled' || (status === 'pending' && attemptCount > 0);
  return [
    ...(retry && isRetryable ? [{ label: 'Retry', onSelect: () => retry(delivery) }] : []),
    { label: 'Copy ID', onSelect: () => copyId(delivery) },
    ...(openEvent ? [{ label: 'Open event', onSelect: () => openEvent(delivery) }] : []),
    ...(openWebhook ? [{ label: 'Open webhook', onSelect: () => openWebhook(delivery) }] : []),
  ];
}

const Row = memo(function Row({
  account,
  delivery,
  isOfOne,
  tone,
  words,
  waiting,
  created,
  onOpen,
  actions,
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
  actions: RowActions;
  isSelected: boolean;
  /** null where rows cannot be selected. */
  onSelect: ((id: string, isSelected: boolean) => void) | null;
}) {
  const { id, event, url, attemptCount, maxAttempts, lastAttempt, createdAt } = delivery;
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
      <td className="actions">
        <Menu label={`Actions for ${event} of ${created}`} items={menuOf(delivery, actions)} />
      </td>
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
      if (!isPlainClick(event)) return;
      event.preventDefault();
      const { id } = event.currentTarget;
      const page = { to: '/accounts/$account/deliveries/$delivery', params: { account, delivery: id } } as const;
      void navigate(
        isNarrow()
          ? page
          : {
              to: '.',
              search: (before) => ({ ...before, delivery: id, openEvent: undefined }),
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
  const toast = useToast();
  return useAction<unknown, string>({
    path: (id) => `${accountPath(account)}/deliveries/${id}/retry`,
    touches: ['accounts', account, 'deliveries'],
    onDone: () => toast('Retry queued.'),
  });
}
