import type { Delivery, Tone } from '@posthorn/contract';
import { useNavigate } from '@tanstack/react-router';
import { RotateCw } from 'lucide-react';
import { memo, type MouseEvent, type ReactNode, useCallback } from 'react';
import { useAct } from '../../api/act.js';
import { accountPath } from '../../api/account-path.js';
import { useMay } from '../session/session.js';
import { Button } from '../../components/button.js';
import { useNow } from '../../components/clock.js';
import { isNarrow } from '../../components/narrow.js';
import { Url } from '../../components/outside-text.js';
import { deliveryWords, Pill } from '../../components/pill.js';
import { duration, Moment, tellTime } from '../../components/time.js';
import { useSay } from '../../components/toasts.js';
import { ACTS, Table, tight } from '../../components/table.js';

/** Deliveries as rows; `isOfOne`: all of one webhook, which need not be named. The clock, the way and the act are asked for once: a row
 *  is there a hundred times, and is made anew only when something in it has changed. */
export function DeliveryTable({
  account,
  deliveries,
  isOfOne = false,
}: {
  account: string;
  deliveries: Delivery[];
  isOfOne?: boolean;
}) {
  const { mutate: retry } = useRetry(account);
  const mayRetry = useMay()('deliveries:write');
  const open = useOpenDelivery(account);
  const now = useNow();
  const rows = deliveries.map((delivery) => ({ delivery, ...deliveryWords(delivery, now) }));
  // As wide as its longest, of which a letter is about 0.38 rem, with its icon; what is longer than usual is wrapped.
  const status = `min(${Math.max(...rows.map(({ words }) => words.length))} * 0.38rem + 86px, 30%)`;
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
      widths={[status, 19, ...(isOfOne ? [] : [21]), '84px', '84px', '108px', '56px']}
    >
      {rows.map(({ delivery, tone, words }) => (
        <Row
          key={delivery.id}
          account={account}
          delivery={delivery}
          isOfOne={isOfOne}
          tone={tone}
          words={words}
          created={tellTime(delivery.createdAt, now)}
          onOpen={open}
          onRetry={mayRetry ? retry : null}
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
  created,
  onOpen,
  onRetry,
}: {
  account: string;
  delivery: Delivery;
  isOfOne: boolean;
  tone: Tone;
  words: string;
  created: string;
  onOpen: (event: MouseEvent) => void;
  /** null where that is not allowed. */
  onRetry: ((id: string) => void) | null;
}) {
  // Beside a list it is offered for what went amiss; the page of a delivery offers it for any.
  const isAmiss = status === 'failed' || status === 'canceled' || (status === 'pending' && attemptCount > 0);
  return (
    <tr>
      <td>
        <Pill tone={tone}>{words}</Pill>
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
        <Moment at={createdAt} told={created} />
      </td>
      {onRetry && isAmiss && (
        <td className="acts">
          <Button
            look="plain"
            label={`Retry ${event}`}
            onClick={() => {
              document.getElementById(id)?.focus(); // the button goes when the receiver has taken it
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

/** Opens a delivery beside the list that it is in, at the address of its own page; where there is no room, it goes to that page.
 *  A plain anchor, relative to the page's base: each of the router's `Link` works out all of the address it would lead to, at each look. */
export function DeliveryLink({
  account,
  id,
  onOpen,
  children,
}: {
  account: string;
  id: string;
  /** Of `useOpenDelivery`. */
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

/** What the links of a list do when they are clicked. */
export function useOpenDelivery(account: string): (event: MouseEvent) => void {
  const navigate = useNavigate();
  return useCallback(
    (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // the browser’s: a tab, a window, a file
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

/** One attempt now, of the delivery with that id. It is queued, which is all that can be said; the row changes when the result is in. */
export function useRetry(account: string) {
  const say = useSay();
  return useAct<unknown, string>({
    path: (id) => `${accountPath(account)}/deliveries/${id}/retry`,
    touches: ['accounts', account, 'deliveries'],
    onDone: () => say('Retry queued.'),
  });
}
