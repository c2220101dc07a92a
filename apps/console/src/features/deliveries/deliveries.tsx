import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Radio } from 'lucide-react';
import { useState } from 'react';
import { Button } from '../../components/button.js';
import { filtersOf } from '../../components/filters.js';
import { ExportMenu } from '../exports/export-menu.js';
import { List } from '../../components/list.js';
import { useNeighbours } from '../../components/neighbours.js';
import { PageHead, useTitle } from '../../components/page.js';
import { sizedPagingOf } from '../../components/paging.js';
import { boundsOf } from '../../components/range.js';
import { SEARCH_NOTE } from '../../components/search-filter.js';
import { Empty } from '../../components/states.js';
import type { DeliverySearch } from '../../search.js';
import { FirstEvent } from '../publish/first-event.js';
import { eventsQuery } from '../../queries/events.js';
import { useAccount, useMay } from '../session/session.js';
import { DeliveryFilterBar } from './delivery-filter-bar.js';
import { DeliveryTable } from './delivery-table.js';
import { DeliveryTotal } from './delivery-total.js';
import { useLive } from './live.js';
import { deliveriesQuery } from '../../queries/deliveries.js';
import { RetryAll } from './retry-all.js';
import { RetrySelected } from './retry-selected.js';
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
export function DeliveryList<S extends DeliverySearch & { subscription?: string | undefined }>({
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
  const { isSet, set, clear } = filtersOf<DeliverySearch & { subscription?: string | undefined }>(search, (next) =>
    onSearch(next as S),
  );
  const may = useMay();
  const filters = {
    q: search.q,
    subscription: subscription === undefined ? undefined : [subscription],
    status: search.status?.split(','),
    outcome: search.outcome?.split(','),
    statusCode: search.statusCode?.split(','),
    trigger: search.trigger?.split(','),
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
  const listed = JSON.stringify({ ...search, delivery: undefined });
  const shown = rows ?? deliveries.data?.data;
  useNeighbours(
    deliveries.data === undefined || deliveries.isPlaceholderData || shown === undefined
      ? undefined
      : { ids: shown.map(({ id }) => id), cursor: search.cursor, nextCursor: deliveries.data.nextCursor },
  );
  const [selection, setSelection] = useState({ listed, ids: new Set<string>() });
  // Rows of another page, or with other filters, are not selected.
  const selected = selection.listed === listed ? selection.ids : new Set<string>();
  const setSelected = (ids: Set<string>) => setSelection({ listed, ids });
  return (
    <>
      <DeliveryFilterBar
        account={account}
        value={search}
        isOfOne={isOfOne}
        onChange={set}
        onClear={isSet ? clear : undefined}
        end={
          <>
            {may('deliveries:write') && <RetryAll account={account} search={{ ...search, subscription }} />}
            <ExportMenu account={account} what="deliveries" filters={filters} />
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
      />
      <List
        query={deliveries}
        what="deliveries"
        paging={sizedPagingOf(search, onSearch)}
        empty={<NoDeliveries account={account} />}
        note={search.q === undefined ? undefined : SEARCH_NOTE}
        onClear={isSet ? clear : undefined}
        total={
          <DeliveryTotal
            key={JSON.stringify({ ...search, limit: undefined, cursor: undefined, delivery: undefined })}
            account={account}
            filters={filters}
          />
        }
      >
        {(found) => (
          <>
            <RetrySelected account={account} deliveries={rows ?? found} ids={selected} onChange={setSelected} />
            <DeliveryTable
              account={account}
              deliveries={rows ?? found}
              isOfOne={isOfOne}
              selection={{ ids: selected, onChange: setSelected }}
            />
          </>
        )}
      </List>
    </>
  );
}

/** No deliveries: either no event was published yet, or no webhook subscribes to the events. */
function NoDeliveries({ account }: { account: string }) {
  const mayRead = useMay()('events:read');
  const events = useQuery({ ...eventsQuery(account, { limit: 1 }), enabled: mayRead });
  if (events.isLoading) return null;
  if (events.data?.data.length === 0) return <FirstEvent account={account} />;
  return (
    <Empty
      title="No deliveries yet"
      action={
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
