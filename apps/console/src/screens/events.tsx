import type { Event } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { eventsQuery, eventTypesQuery } from '../data/queries.js';
import { RANGES, since } from '../data/range.js';
import type { ListSearch } from '../router.js';
import { useAccount } from '../session.js';
import { Button } from '../ui/button.js';
import { Id } from '../ui/copy.js';
import { Code } from '../ui/outside-text.js';
import { PageHead, Pager, useTitle } from '../ui/page.js';
import { Pill } from '../ui/pill.js';
import { Select } from '../ui/select.js';
import { Empty, Loaded } from '../ui/states.js';
import { Time } from '../ui/time.js';
import { Table, tight } from '../ui/table.js';

export function Events() {
  const account = useAccount();
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const types = useQuery(eventTypesQuery);
  useTitle('Events', account);
  const events = useQuery(
    eventsQuery(account, { event: search.eventType?.split(','), from: since(search.range), cursor: search.cursor }),
  );
  const go = (next: ListSearch) =>
    void navigate({ to: '.', search: Object.fromEntries(Object.entries(next).filter(([, value]) => value)) });
  const set = (name: keyof ListSearch, value: string) => go({ ...search, cursor: '', [name]: value });
  const isFiltered = search.eventType !== undefined || search.range !== undefined;
  return (
    <>
      <PageHead title="Events" note="What was published, and how many webhooks wanted it." />
      <div className="filters" role="search" aria-label="Events">
        <Select label="Event type" value={search.eventType} onChange={(value) => set('eventType', value)}>
          {(types.data?.data ?? []).map(({ name }) => [name, name])}
        </Select>
        <Select label="Time" value={search.range} onChange={(value) => set('range', value)}>
          {RANGES.map(({ id, label }) => [id, label])}
        </Select>
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
              <Table caption="Events, newest first" columns={['Type', 'Id', 'Webhooks', tight('Created')]}>
                {data.map(({ id, event, deliveries, deliveryCounts, createdAt }) => (
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
                    <td data-label="Webhooks">
                      {deliveries === 0 ? <Pill tone="neutral">No webhook wanted it</Pill> : counted(deliveryCounts)}
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

/** How the deliveries of an event stand: "3 succeeded, 1 failed". */
const counted = (counts: Event['deliveryCounts']): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status}`)
    .join(', ');

/** How to publish, to be copied. */
function FirstEvent({ account }: { account: string }) {
  const url = new URL(`./v1/accounts/${account}/events`, document.baseURI).href;
  const text = `curl -X POST '${url}' \\
  -H "authorization: Bearer $POSTHORN_KEY" \\
  -H 'content-type: application/json' \\
  --data-raw '{"event":"message:created","payload":{"body":"Hello"}}'`;
  return (
    <div className="stack">
      <Empty title="No events yet">Your app publishes them over the API. To try it, with a key of yours:</Empty>
      <Code what="the command" text={text} isWrapped={false} />
    </div>
  );
}
