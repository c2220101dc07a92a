import { DELIVERY_WORDS } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Radio } from 'lucide-react';
import { useState } from 'react';
import { Button } from '../../components/button.js';
import { FilterBar, FilterChip } from '../../components/filter-bar.js';
import { filtersOf } from '../../components/filters.js';
import { List } from '../../components/list.js';
import { PageHead, useTitle } from '../../components/page.js';
import { sizedPagingOf } from '../../components/paging.js';
import { RangeFilter } from '../../components/range-filter.js';
import { boundsOf } from '../../components/range.js';
import { Select } from '../../components/select.js';
import { Empty } from '../../components/states.js';
import type { DeliverySearch } from '../../search.js';
import { eventTypesQuery } from '../catalogue/queries.js';
import { FirstEvent } from '../events/first-event.js';
import { eventsQuery } from '../events/queries.js';
import { useAccount, useMay } from '../session/session.js';
import { DeliveryTable } from './delivery-table.js';
import { DeliveryTotal } from './delivery-total.js';
import { useLive } from './live.js';
import { deliveriesQuery } from './queries.js';
import { useSteady } from './steady.js';

const route = getRouteApi('/accounts/$account/deliveries/');

/** The deliveries of an account. */
export function Deliveries() {
  const account = useAccount();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  useTitle('Deliveries', account);
  return (
    <>
      <PageHead title="Deliveries" note="One row per event and webhook." />
      <DeliveryList
        account={account}
        subscription={search.subscription}
        search={search}
        onSearch={(next) => void navigate({ search: next })}
      />
    </>
  );
}

/** Deliveries with their filters, which live in the address. */
export function DeliveryList<S extends DeliverySearch>({
  account,
  subscription,
  isOfOne = false,
  search,
  onSearch,
}: {
  account: string;
  /** Limits the list to one webhook. */
  subscription: string | undefined;
  /** The screen is about that webhook, so the rows do not name it. */
  isOfOne?: boolean;
  search: S;
  onSearch: (search: S) => void;
}) {
  const { isSet, set, clear } = filtersOf<DeliverySearch>(search, (next) => onSearch(next as S));
  const types = useQuery(eventTypesQuery);
  const may = useMay();
  const filters = {
    subscription: subscription === undefined ? undefined : [subscription],
    status: search.status?.split(','),
    eventType: search.eventType?.split(','),
    event: search.event,
    replay: search.replay,
    ...boundsOf(search),
  };
  const deliveries = useQuery(deliveriesQuery(account, { ...filters, limit: search.limit, cursor: search.cursor }));
  const [isLive, setIsLive] = useState(false);
  const live = useLive(account, subscription, isLive);
  const { rows, newCount, showNew } = useSteady(
    deliveries.isPlaceholderData ? undefined : deliveries.data?.data,
    JSON.stringify([account, subscription, { ...search, delivery: undefined }]),
  );
  return (
    <>
      <FilterBar
        label="Deliveries"
        onClear={isSet ? clear : undefined}
        end={
          <>
            {may('deliveries:write') && search.replay === undefined && (
              <Link
                className="button"
                to="/accounts/$account/replays/new"
                params={{ account }}
                search={{ ...replayable(search), subscription }}
              >
                Replay these
              </Link>
            )}
            <Button aria-pressed={isLive} onClick={() => setIsLive(!isLive)}>
              <Radio className="icon" aria-hidden />
              Live
            </Button>
            <span className="row small" role="status">
              {live === 'lost' && 'Live updates are interrupted. Refreshing every 5 seconds.'}
              {newCount > 0 && search.cursor === undefined && <Button onClick={showNew}>{newCount} new</Button>}
            </span>
          </>
        }
      >
        <Select label="Status" value={search.status} onChange={(status) => set({ status })}>
          {Object.entries(DELIVERY_WORDS).map(([status, { label }]) => [status, label])}
        </Select>
        <Select label="Event type" value={search.eventType} onChange={(eventType) => set({ eventType })}>
          {(types.data?.data ?? []).map(({ name }) => [name, name])}
        </Select>
        <RangeFilter value={search} onChange={set} />
        {search.event !== undefined && <FilterChip onRemove={() => set({ event: '' })}>One event</FilterChip>}
        {search.replay !== undefined && <FilterChip onRemove={() => set({ replay: '' })}>One replay</FilterChip>}
      </FilterBar>
      <List
        query={deliveries}
        what="deliveries"
        paging={sizedPagingOf(search, onSearch)}
        empty={<NoDeliveries account={account} />}
        onClear={isSet ? clear : undefined}
        total={
          <DeliveryTotal
            key={JSON.stringify({ ...search, limit: undefined, cursor: undefined, delivery: undefined })}
            account={account}
            filters={filters}
          />
        }
      >
        {(found) => <DeliveryTable account={account} deliveries={rows ?? found} isOfOne={isOfOne} />}
      </List>
    </>
  );
}

/** The filters that a replay has, too. */
const replayable = ({ status, eventType, event, range, from, to }: DeliverySearch) => ({
  status,
  eventType,
  event,
  range,
  from,
  to,
});

/** No deliveries: either no event was published yet, or no webhook subscribes to the events. */
function NoDeliveries({ account }: { account: string }) {
  const mayRead = useMay()('events:read');
  const events = useQuery({ ...eventsQuery(account, { limit: 1 }), enabled: mayRead });
  if (events.isLoading) return null;
  if (events.data?.data.length === 0) return <FirstEvent account={account} />;
  return (
    <Empty
      title="No deliveries yet"
      act={
        mayRead && (
          <Link className="button" to="/accounts/$account/events" params={{ account }}>
            View events
          </Link>
        )
      }
    >
      Deliveries appear here when your app publishes an event that a webhook subscribes to.
    </Empty>
  );
}
