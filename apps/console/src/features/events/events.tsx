import type { Event } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { type MouseEvent, Suspense } from 'react';
import { Button } from '../../components/button.js';
import { ExportMenu } from '../exports/export-menu.js';
import { FilterBar } from '../../components/filter-bar.js';
import { filtersOf } from '../../components/filters.js';
import { eventTypesQuery } from '../../queries/catalogue.js';
import { eventsQuery } from '../../queries/events.js';
import { boundsOf } from '../../components/range.js';
import { useAccount } from '../session/session.js';
import { List } from '../../components/list.js';
import { PageHead, useTitle } from '../../components/page.js';
import { sizedPagingOf } from '../../components/paging.js';
import { Pill } from '../../components/pill.js';
import { RangeFilter } from '../../components/range-filter.js';
import { SEARCH_NOTE, SearchFilter } from '../../components/search-filter.js';
import { Select } from '../../components/select.js';
import { Time } from '../../components/time.js';
import { ACTIONS, Table, tight } from '../../components/table.js';
import { Menu } from '../../components/menu.js';
import { isNarrow, isPlainClick } from '../../components/narrow.js';
import { useNeighbours } from '../../components/neighbours.js';
import { Id, useCopy } from '../../components/copy.js';
import { screen } from '../../screen.js';
import { DeliveryCounts } from './delivery-counts.js';
import { FirstEvent } from '../publish/first-event.js';

const route = getRouteApi('/accounts/$account/events/');

const CompareEvents = screen(() => import('./compare-events.js'), 'CompareEvents');

export function Events() {
  const account = useAccount();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const go = (next: typeof search) => void navigate({ search: next });
  const { isSet, set } = filtersOf(search, go);
  const types = useQuery(eventTypesQuery);
  useTitle('Events', account);
  const filters = { q: search.q, event: search.eventType?.split(','), ...boundsOf(search) };
  const events = useQuery(eventsQuery(account, { ...filters, limit: search.limit, cursor: search.cursor }));
  useNeighbours(
    events.data === undefined || events.isPlaceholderData
      ? undefined
      : { ids: events.data.data.map(({ id }) => id), cursor: search.cursor, nextCursor: events.data.nextCursor },
  );
  const { compare } = search;
  return (
    <>
      <PageHead title="Events" note="The events that your app published, and their deliveries." />
      <FilterBar
        label="Events"
        onClear={isSet ? () => go({ compare }) : undefined}
        end={<ExportMenu account={account} what="events" filters={filters} />}
      >
        <SearchFilter ids="evt_…" value={search.q} onChange={(q) => set({ q })} />
        <Select label="Event type" value={search.eventType} onChange={(eventType) => set({ eventType })}>
          {(types.data?.data ?? []).map(({ name }) => [name, name])}
        </Select>
        <RangeFilter value={search} onChange={set} />
      </FilterBar>
      <div className="stack">
        {compare !== undefined && (
          <Comparing
            account={account}
            ids={[compare, search.with]}
            onCancel={() => go({ ...search, compare: undefined })}
            onClose={() => go({ ...search, compare: undefined, with: undefined })}
          />
        )}
        <List
          query={events}
          what="events"
          paging={sizedPagingOf(search, go)}
          empty={<FirstEvent account={account} />}
          note={search.q === undefined ? undefined : SEARCH_NOTE}
          onClear={isSet ? () => go({ compare }) : undefined}
        >
          {(rows) => (
            <EventTable
              account={account}
              rows={rows}
              compare={compare}
              onCompare={(change) => go({ ...search, ...change })}
            />
          )}
        </List>
      </div>
    </>
  );
}

/** The event that another one is chosen for, and the comparison once both are known. */
function Comparing({
  account,
  ids: [one, other],
  onCancel,
  onClose,
}: {
  account: string;
  ids: [one: string, other: string | undefined];
  onCancel: () => void;
  onClose: () => void;
}) {
  return (
    <>
      <div className="banner tone-neutral" role="status">
        <span className="text">
          Choose an event to compare with <Id id={one} />
        </span>
        <Button onClick={onCancel}>Cancel</Button>
      </div>
      {other !== undefined && (
        <Suspense>
          <CompareEvents account={account} ids={[one, other]} onClose={onClose} />
        </Suspense>
      )}
    </>
  );
}

interface Compare {
  /** The event that another one is chosen for. */
  compare: string | undefined;
  onCompare: (change: { compare: string } | { with: string }) => void;
}

function EventTable({ account, rows, ...comparing }: { account: string; rows: Event[] } & Compare) {
  const open = useOpenEvent(account);
  return (
    <Table caption="Events, newest first" columns={['Type', 'ID', 'Deliveries', tight('Created'), ACTIONS]}>
      {rows.map(({ id, event, deliveryCounts, fanOut, createdAt }) => (
        <tr key={id}>
          <td>
            <a
              id={id}
              className="rowlink mono"
              href={`accounts/${encodeURIComponent(account)}/events/${id}`}
              onClick={open}
            >
              {event}
            </a>
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
          <td className="tight actions">
            <EventActions account={account} id={id} event={event} {...comparing} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** The menu of an event; while one is compared, a button that chooses the other. */
function EventActions({
  account,
  id,
  event,
  compare,
  onCompare,
}: {
  account: string;
  id: string;
  event: string;
} & Compare) {
  const navigate = useNavigate();
  const copy = useCopy();
  if (compare === id) return <span className="muted">Chosen</span>;
  if (compare !== undefined)
    return (
      <Button size="tiny" onClick={() => onCompare({ with: id })}>
        Compare<span className="visually-hidden"> with {event}</span>
      </Button>
    );
  return (
    <Menu
      label={`Actions for ${event}`}
      items={[
        { label: 'Compare with…', onSelect: () => onCompare({ compare: id }) },
        {
          label: 'View deliveries',
          onSelect: () =>
            void navigate({ to: '/accounts/$account/deliveries', params: { account }, search: { event: id } }),
        },
        { label: 'Copy ID', onSelect: () => void copy(id) },
      ]}
    />
  );
}

/** The click handler of the links: opens the event in a drawer, or on a narrow screen as a page. */
function useOpenEvent(account: string): (event: MouseEvent) => void {
  const navigate = useNavigate();
  return (event) => {
    if (!isPlainClick(event)) return;
    event.preventDefault();
    const { id } = event.currentTarget;
    const page = { to: '/accounts/$account/events/$event', params: { account, event: id } } as const;
    void navigate(
      isNarrow()
        ? page
        : {
            to: '.',
            search: (before) => ({ ...before, openEvent: id, delivery: undefined }),
            mask: page,
            resetScroll: false,
          },
    );
  };
}
