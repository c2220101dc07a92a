import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { FilterBar } from '../../components/filter-bar.js';
import { filtersOf } from '../../components/filters.js';
import { eventTypesQuery } from '../catalogue/queries.js';
import { eventsQuery } from './queries.js';
import { boundsOf } from '../../components/range.js';
import { useAccount } from '../session/session.js';
import { Id } from '../../components/copy.js';
import { List } from '../../components/list.js';
import { PageHead, useTitle } from '../../components/page.js';
import { sizedPagingOf } from '../../components/paging.js';
import { Pill } from '../../components/pill.js';
import { RangeFilter } from '../../components/range-filter.js';
import { Select } from '../../components/select.js';
import { TextFilter } from '../../components/text-filter.js';
import { Time } from '../../components/time.js';
import { Table, tight } from '../../components/table.js';
import { DeliveryCounts } from './delivery-counts.js';
import { FirstEvent } from './first-event.js';

const route = getRouteApi('/accounts/$account/events/');

export function Events() {
  const account = useAccount();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const go = (next: typeof search) => void navigate({ search: next });
  const { isSet, set, clear } = filtersOf(search, go);
  const types = useQuery(eventTypesQuery);
  useTitle('Events', account);
  const events = useQuery(
    eventsQuery(account, {
      q: search.q,
      event: search.eventType?.split(','),
      ...boundsOf(search),
      limit: search.limit,
      cursor: search.cursor,
    }),
  );
  return (
    <>
      <PageHead title="Events" note="The events that your app published, and their deliveries." />
      <FilterBar label="Events" onClear={isSet ? clear : undefined}>
        <TextFilter
          label="Search"
          placeholder="Search ids and payloads"
          value={search.q}
          onChange={(q) => set({ q })}
        />
        <Select label="Event type" value={search.eventType} onChange={(eventType) => set({ eventType })}>
          {(types.data?.data ?? []).map(({ name }) => [name, name])}
        </Select>
        <RangeFilter value={search} onChange={set} />
      </FilterBar>
      <List
        query={events}
        what="events"
        paging={sizedPagingOf(search, go)}
        empty={<FirstEvent account={account} />}
        onClear={isSet ? clear : undefined}
      >
        {(rows) => (
          <Table caption="Events, newest first" columns={['Type', 'ID', 'Deliveries', tight('Created')]}>
            {rows.map(({ id, event, deliveryCounts, fanOut, createdAt }) => (
              <tr key={id}>
                <td>
                  <Link className="rowlink mono" to="/accounts/$account/events/$event" params={{ account, event: id }}>
                    {event}
                  </Link>
                </td>
                <td>
                  <Id id={id} />
                </td>
                <td data-label="Deliveries">
                  {fanOut === null && Object.values(deliveryCounts).every((count) => count === 0) ? (
                    <Pill tone="neutral">No webhook subscribed</Pill>
                  ) : (
                    <DeliveryCounts of={deliveryCounts} />
                  )}
                  {fanOut === 'expanding' && <Pill tone="neutral">Expanding</Pill>}
                </td>
                <td className="tight" data-label="Created">
                  <Time at={createdAt} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </List>
    </>
  );
}
