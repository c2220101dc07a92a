import type { Delivery, DeliveryDetail } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { ExternalLink } from 'lucide-react';
import { query } from '../../api/call.js';
import { deliveryQuery } from '../../queries/deliveries.js';
import { queuesQuery } from '../../queries/operate.js';
import { eventQuery, requestBody } from '../../queries/events.js';
import { useAccount, useMay, useSession } from '../session/session.js';
import { Button } from '../../components/button.js';
import { Copy, Id } from '../../components/copy.js';
import { Url } from '../../components/outside-text.js';
import { Facts, PageHead, useTitle } from '../../components/page.js';
import { DeliveryPill } from '../../components/pill.js';
import { Loaded } from '../../components/states.js';
import { Attempts } from './attempts.js';
import { curlCommand } from './curl-command.js';
import { useRetry } from './delivery-table.js';
import { Stepper } from './stepper.js';

const route = getRouteApi('/accounts/$account/deliveries/$delivery');

export function DeliveryScreen() {
  const account = useAccount();
  const { delivery: id } = route.useParams();
  const delivery = useQuery(deliveryQuery(account, id));
  useTitle(delivery.data?.event ?? 'Delivery', account);
  return (
    <Loaded query={delivery} what="the delivery">
      {(data) => <DeliveryView account={account} delivery={data} heading="h1" />}
    </Loaded>
  );
}

/** The details of a delivery, on a page or in a drawer. */
export function DeliveryView({
  account,
  delivery,
  heading,
}: {
  account: string;
  delivery: DeliveryDetail;
  heading: 'h1' | 'h2';
}) {
  const { id, event, eventId, subscriptionId, url } = delivery;
  const retry = useRetry(account);
  const may = useMay();
  return (
    <div className="stack wide">
      <div>
        <PageHead
          heading={heading}
          title={
            <span className="row">
              <span className="mono">{event}</span> <DeliveryPill of={delivery} />
            </span>
          }
          note={<Url url={url} />}
          action={
            <>
              <CopyAsCurl account={account} delivery={delivery} />
              <JobLink delivery={delivery} />
              {may('deliveries:write') && (
                <Button look="primary" isPending={retry.isPending} onClick={() => retry.mutate(id)}>
                  Retry now
                </Button>
              )}
            </>
          }
        />
        <Stepper delivery={delivery} />
      </div>
      <Attempts account={account} delivery={delivery} />
      <section className="panel stack" aria-label="Event and webhook">
        <Facts
          facts={[
            ['Delivery', <Id key="id" id={id} />],
            [
              'Event',
              <span key="event" className="row">
                <Link to="/accounts/$account/events/$event" params={{ account, event: eventId }}>
                  {event}
                </Link>
                <Id id={eventId} />
              </span>,
            ],
            [
              'Webhook',
              <Link
                key="webhook"
                to="/accounts/$account/subscriptions/$subscription"
                params={{ account, subscription: subscriptionId }}
              >
                <Url url={url} />
              </Link>,
            ],
          ]}
        />
      </section>
    </div>
  );
}

/** Opens the delivery's job in Bull Board, for operators who have it. */
function JobLink({ delivery: { id, status, attemptCount } }: { delivery: Delivery }) {
  const { kind } = useSession();
  const isOperator = kind === 'operator';
  const queues = useQuery({
    ...queuesQuery,
    enabled: isOperator,
    refetchInterval: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!isOperator || (queues.data?.boardUrl ?? null) === null) return null;
  const attempt = status === 'pending' || attemptCount === 0 ? attemptCount + 1 : attemptCount;
  return (
    <a className="button" href={`./board${query({ delivery: id, attempt })}`} target="_blank" rel="noreferrer">
      <ExternalLink className="icon" aria-hidden />
      Job
      <span className="visually-hidden"> in Bull Board</span>
    </a>
  );
}

/** Copies the request as a curl command. */
function CopyAsCurl({ account, delivery }: { account: string; delivery: Delivery }) {
  const may = useMay();
  const event = useQuery({
    ...eventQuery(account, delivery.eventId),
    refetchInterval: false,
    enabled: may('events:read'),
  });
  if (event.data === undefined || event.data.payload === null) return null;
  const { url, eventId } = delivery;
  const text = curlCommand({ url, eventId, body: requestBody(event.data) });
  return (
    <Copy text={text} what="as curl">
      Copy as curl
    </Copy>
  );
}
