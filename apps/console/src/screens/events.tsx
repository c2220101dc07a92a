import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { eventsQuery, eventTypesQuery } from '../data/queries.js';
import { boundsOf } from '../data/range.js';
import type { ListSearch } from '../router.js';
import { useAccount } from '../session.js';
import { Button } from '../ui/button.js';
import { Id } from '../ui/copy.js';
import { PageHead, Pager, useTitle } from '../ui/page.js';
import { Pill } from '../ui/pill.js';
import { RangeFilter } from '../ui/range-filter.js';
import { Select } from '../ui/select.js';
import { Empty, Loaded } from '../ui/states.js';
import { Time } from '../ui/time.js';
import { Table, tight } from '../ui/table.js';
import { DeliveryCounts } from './delivery-counts.js';
import { FirstEvent } from './first-event.js';

export function Events() {
  const account = useAccount();
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
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
  const go = (next: ListSearch) =>
    void navigate({ to: '.', search: Object.fromEntries(Object.entries(next).filter(([, value]) => value)) });
  const set = (name: keyof ListSearch, value: string) => go({ ...search, cursor: '', [name]: value });
  const isFiltered = [search.eventType, search.range, search.from, search.to].some((value) => value !== undefined);
  return (
    <>
      <PageHead title="Events" note="What was published, and how many webhooks wanted it." />
      <div className="filters" role="search" aria-label="Events">
        <Select label="Event type" value={search.eventType} onChange={(value) => set('eventType', value)}>
          {(types.data?.data ?? []).map(({ name }) => [name, name])}
        </Select>
        <RangeFilter value={search} onChange={(range) => go({ ...search, ...range, cursor: '' })} />
        {isFiltered && (
          <Button look="plain" onClick={() => go({})}>
            Clear filters
          </Button>
        )}
      </div>
      <Loaded query={events} what="events">
        {({ data, nextCursor }) =>
          data.length > 0 ? (
            <>
              <Table caption="Events, newest first" columns={['Type', 'Id', 'Deliveries', tight('Created')]}>
                {data.map(({ id, event, deliveryCounts, createdAt }) => (
                  <tr key={id}>
                    <td>
                      <Link
                        className="rowlink mono"
                        to="/accounts/$account/events/$event"
                        params={{ account, event: id }}
                      >
                        {event}
                      </Link>
                    </td>
                    <td>
                      <Id id={id} />
                    </td>
                    <td data-label="Deliveries">
                      {Object.values(deliveryCounts).every((count) => count === 0) ? (
                        <Pill tone="neutral">No webhook wanted it</Pill>
                      ) : (
                        <DeliveryCounts of={deliveryCounts} />
                      )}
                    </td>
                    <td className="tight" data-label="Created">
                      <Time at={createdAt} />
                    </td>
                  </tr>
                ))}
              </Table>
              <Pager
                cursor={search.cursor}
                nextCursor={nextCursor}
                onGo={(cursor) => go({ ...search, cursor: cursor ?? '' })}
                size={{ value: search.limit, onChange: (limit) => set('limit', limit) }}
              />
            </>
          ) : isFiltered || search.cursor !== undefined ? (
            <Empty title="No events match these filters" act={<Button onClick={() => go({})}>Clear filters</Button>} />
          ) : (
            <FirstEvent account={account} />
          )
        }
      </Loaded>
    </>
  );
}
