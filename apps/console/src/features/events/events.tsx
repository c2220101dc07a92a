import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useFilters } from '../../components/filters.js';
import { eventTypesQuery } from '../catalogue/queries.js';
import { eventsQuery } from './queries.js';
import { boundsOf } from '../../components/range.js';
import { useAccount } from '../session/session.js';
import { Button } from '../../components/button.js';
import { Id } from '../../components/copy.js';
import { List } from '../../components/list.js';
import { PageHead, useTitle } from '../../components/page.js';
import { Pill } from '../../components/pill.js';
import { RangeFilter } from '../../components/range-filter.js';
import { Select } from '../../components/select.js';
import { Time } from '../../components/time.js';
import { Table, tight } from '../../components/table.js';
import { DeliveryCounts } from './delivery-counts.js';
import { FirstEvent } from './first-event.js';

export function Events() {
  const account = useAccount();
  const { search, isSet, set, clear } = useFilters();
  const types = useQuery(eventTypesQuery);
  useTitle('Events', account);
  const events = useQuery(
    eventsQuery(account, {
      event: search.eventType?.split(','),
      ...boundsOf(search),
      limit: search.limit === undefined ? undefined : Number(search.limit),
      cursor: search.cursor,
    }),
  );
  return (
    <>
      <PageHead title="Events" note="What was published, and how many webhooks wanted it." />
      <div className="filters" role="search" aria-label="Events">
        <Select label="Event type" value={search.eventType} onChange={(eventType) => set({ eventType })}>
          {(types.data?.data ?? []).map(({ name }) => [name, name])}
        </Select>
        <RangeFilter value={search} onChange={set} />
        {isSet && (
          <Button look="plain" onClick={clear}>
            Clear filters
          </Button>
        )}
      </div>
      <List
        query={events}
        what="events"
        empty={<FirstEvent account={account} />}
        onClear={isSet ? clear : undefined}
        hasSizes
      >
        {(rows) => (
          <Table caption="Events, newest first" columns={['Type', 'Id', 'Deliveries', tight('Created')]}>
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
                    <Pill tone="neutral">No webhook wanted it</Pill>
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
