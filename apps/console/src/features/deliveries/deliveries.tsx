import { DELIVERY_WORDS } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Radio } from 'lucide-react';
import { useState } from 'react';
import { Link, useParams } from '@tanstack/react-router';
import { useFilters } from '../../components/filters.js';
import { deliveriesQuery } from './queries.js';
import { eventTypesQuery } from '../catalogue/queries.js';
import { eventsQuery } from '../events/queries.js';
import { useLive } from './live.js';
import { useSteady } from './steady.js';
import { boundsOf } from '../../components/range.js';
import { useAccount, useMay } from '../session/session.js';
import { Button } from '../../components/button.js';
import { List } from '../../components/list.js';
import { PageHead, useTitle } from '../../components/page.js';
import { RangeFilter } from '../../components/range-filter.js';
import { Select } from '../../components/select.js';
import { Empty } from '../../components/states.js';
import { DeliveryTable } from './delivery-table.js';
import { DeliveryTotal } from './delivery-total.js';
import { FirstEvent } from '../events/first-event.js';

/** Deliveries of an account, or of one of its webhooks. What is filtered stands in the address. */
export function Deliveries() {
  const account = useAccount();
  const { subscription: ofOne } = useParams({ strict: false });
  const { search, isSet, set, clear } = useFilters();
  const types = useQuery(eventTypesQuery);
  useTitle('Deliveries', account);
  const subscription = ofOne ?? search.subscription;
  const filters = {
    subscription: subscription === undefined ? undefined : [subscription],
    status: search.status?.split(','),
    eventType: search.eventType?.split(','),
    event: search.event,
    ...boundsOf(search),
  };
  const deliveries = useQuery(
    deliveriesQuery(account, {
      ...filters,
      limit: search.limit === undefined ? undefined : Number(search.limit),
      cursor: search.cursor,
    }),
  );
  const [isLive, setIsLive] = useState(false);
  const live = useLive(account, subscription, isLive);
  const { rows, newCount, showNew } = useSteady(
    deliveries.isPlaceholderData ? undefined : deliveries.data?.data,
    JSON.stringify([account, subscription, { ...search, delivery: undefined }]),
  );
  return (
    <>
      {ofOne === undefined && <PageHead title="Deliveries" note="Each event owed to each webhook, and how it went." />}
      <div className="filters" role="search" aria-label="Deliveries">
        <Select label="Status" value={search.status} onChange={(status) => set({ status })}>
          {Object.entries(DELIVERY_WORDS).map(([status, { label }]) => [status, label])}
        </Select>
        <Select label="Event type" value={search.eventType} onChange={(eventType) => set({ eventType })}>
          {(types.data?.data ?? []).map(({ name }) => [name, name])}
        </Select>
        <RangeFilter value={search} onChange={set} />
        {search.event !== undefined && (
          <span className="chip">
            Of one event
            <Button look="plain" size="tiny" onClick={() => set({ event: '' })}>
              Remove
            </Button>
          </span>
        )}
        {isSet && (
          <Button look="plain" onClick={clear}>
            Clear filters
          </Button>
        )}
        <Button aria-pressed={isLive} onClick={() => setIsLive(!isLive)}>
          <Radio className="icon" aria-hidden />
          Live
        </Button>
        <span className="row small" role="status">
          {live === 'lost' && 'The stream is interrupted: looking every 5 seconds instead.'}
          {newCount > 0 && search.cursor === undefined && <Button onClick={showNew}>{newCount} new</Button>}
        </span>
      </div>
      <List
        query={deliveries}
        what="deliveries"
        empty={<NoDeliveries account={account} />}
        onClear={isSet ? clear : undefined}
        hasSizes
        total={
          <DeliveryTotal
            key={JSON.stringify({ ...search, limit: undefined, cursor: undefined, delivery: undefined })}
            account={account}
            filters={filters}
          />
        }
      >
        {(found) => <DeliveryTable account={account} deliveries={rows ?? found} isOfOne={ofOne !== undefined} />}
      </List>
    </>
  );
}

/** None at all: because nothing was published, or because nobody wanted it. */
function NoDeliveries({ account }: { account: string }) {
  const mayRead = useMay()('events:read');
  const events = useQuery({ ...eventsQuery(account, { limit: 1 }), enabled: mayRead });
  if (events.isLoading) return null; // neither is told before it is known
  if (events.data?.data.length === 0) return <FirstEvent account={account} />;
  return (
    <Empty
      title="No deliveries yet"
      act={
        mayRead && (
          <Link className="button" to="/accounts/$account/events" params={{ account }}>
            See the events
          </Link>
        )
      }
    >
      Once an event is published that a webhook wants, it appears here within moments.
    </Empty>
  );
}
