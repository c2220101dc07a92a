import type { DeliveryCounts } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { allSubscriptionsQuery } from '../../queries/webhooks.js';
import { eventQuery, type EventWithSource } from '../../queries/events.js';
import { useAccount, useMay } from '../session/session.js';
import { Button } from '../../components/button.js';
import { Id } from '../../components/copy.js';
import { Body } from '../../components/body.js';
import { Facts, PageHead, useTitle } from '../../components/page.js';
import { DeliveryPill } from '../../components/pill.js';
import { Empty, Loaded } from '../../components/states.js';
import { whole } from '../../components/number.js';
import { Time } from '../../components/time.js';
import { Table, tight } from '../../components/table.js';
import { AddToWebhook } from './add-to-webhook.js';
import { SendEvent } from './send-event.js';
import { DeliveryLink, useOpenDelivery } from '../deliveries/delivery-table.js';
import { SubscriptionLink } from '../../components/subscription-link.js';

const route = getRouteApi('/accounts/$account/events/$event');

export function EventScreen() {
  const account = useAccount();
  const { event: id } = route.useParams();
  const event = useQuery(eventQuery(account, id));
  useTitle(event.data?.event ?? 'Event', account);
  return (
    <Loaded query={event} what="the event">
      {(data) => <EventView account={account} event={data} heading="h1" />}
    </Loaded>
  );
}

/** The details of an event, on a page or in a drawer. */
export function EventView({
  account,
  event: { id, event: type, createdAt, payload, deliveries, deliveryCounts, fanOut },
  heading,
}: {
  account: string;
  event: EventWithSource;
  heading: 'h1' | 'h2';
}) {
  const webhooks = useQuery({ ...allSubscriptionsQuery(account), enabled: useMay()('subscriptions:read') });
  const urlOf = new Map(webhooks.data?.data.map((one) => [one.id, one.url]));
  const open = useOpenDelivery(account);
  const may = useMay();
  const [isSending, setIsSending] = useState(false);
  return (
    <div className="stack wide">
      <PageHead
        heading={heading}
        title={<span className="mono">{type}</span>}
        action={
          <>
            {payload !== null && (
              <Link
                className="button"
                to="/accounts/$account/events"
                params={{ account }}
                search={{ compare: id, eventType: type }}
              >
                Compare with…
              </Link>
            )}
            {may('deliveries:write') && may('subscriptions:read') && payload !== null && (
              <Button onClick={() => setIsSending(true)}>Send to webhooks</Button>
            )}
          </>
        }
      />
      {isSending && (
        <SendEvent
          account={account}
          event={{ id, event: type, deliveries, deliveryCounts }}
          onClose={() => setIsSending(false)}
        />
      )}
      <div className="panel">
        <Facts
          facts={[
            ['ID', <Id key="id" id={id} />],
            ['Accepted', <Time key="at" at={createdAt} isWhole />],
          ]}
        />
      </div>
      <section className="stack close" aria-labelledby="deliveries">
        <h2 id="deliveries">Deliveries</h2>
        {fanOut === 'expanding' && (
          <p className="muted">This event goes to thousands of webhooks. More deliveries will appear here.</p>
        )}
        {deliveries.length < total(deliveryCounts) && (
          <p className="muted">
            Showing the oldest {whole.format(deliveries.length)} of {whole.format(total(deliveryCounts))}.
          </p>
        )}
        {deliveries.length === 0 && fanOut === null ? (
          <NoSubscriber account={account} type={type} />
        ) : (
          <Table caption="Deliveries of this event" columns={['Status', 'Webhook', 'Attempts', tight('Ended')]}>
            {deliveries.map((one) => (
              <tr key={one.id}>
                <td>
                  <DeliveryLink account={account} id={one.id} onOpen={open}>
                    <DeliveryPill of={one} />
                  </DeliveryLink>
                </td>
                <td>
                  <Webhook account={account} id={one.subscriptionId} url={urlOf.get(one.subscriptionId)} />
                </td>
                <td className="number" data-label="Attempts">
                  {one.attemptCount}
                </td>
                <td className="tight" data-label="Ended">
                  <Time at={one.completedAt} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </section>
      <section className="stack close" aria-labelledby="payload">
        <h2 id="payload">Payload</h2>
        {payload === null ? (
          <p className="muted">No longer stored.</p>
        ) : (
          <Body what="the payload" text={payload} file={id} />
        )}
      </section>
    </div>
  );
}

const total = (counts: DeliveryCounts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** A webhook by its URL. A deleted webhook, or one that the session may not read, has only its ID. */
function Webhook({ account, id, url }: { account: string; id: string; url: string | undefined }) {
  if (url === undefined) return <Id id={id} />;
  return <SubscriptionLink account={account} id={id} url={url} />;
}

/** The event has no deliveries: says why, and how to subscribe a webhook. */
function NoSubscriber({ account, type }: { account: string; type: string }) {
  const mayChange = useMay()('subscriptions:write');
  const [isAdding, setIsAdding] = useState(false);
  return (
    <>
      <Empty
        title="No webhook subscribed"
        action={
          mayChange ? (
            <Button onClick={() => setIsAdding(true)}>Subscribe a webhook</Button>
          ) : (
            <Link className="button" to="/accounts/$account/integrations" params={{ account }}>
              View webhooks
            </Link>
          )
        }
      >
        The event was stored, but no active webhook of this account subscribed to <code>{type}</code>.
      </Empty>
      {isAdding && <AddToWebhook account={account} type={type} onClose={() => setIsAdding(false)} />}
    </>
  );
}
