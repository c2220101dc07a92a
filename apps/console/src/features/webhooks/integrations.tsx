import { type Subscription, SUBSCRIPTION_WORDS } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { waitingQuery } from '../../queries/deliveries.js';
import { WaitingCard } from '../deliveries/waiting-card.js';
import { subscriptionsQuery } from '../../queries/webhooks.js';
import { useAccount, useMay } from '../session/session.js';
import { Button } from '../../components/button.js';
import { FilterBar } from '../../components/filter-bar.js';
import { filtersOf } from '../../components/filters.js';
import { percent, whole } from '../../components/number.js';
import { PageHead, Pager, useTitle } from '../../components/page.js';
import { searchedPagingOf } from '../../components/paging.js';
import { SubscriptionPill } from '../../components/pill.js';
import { Select } from '../../components/select.js';
import { SortedNote, SortFilter } from '../../components/sort-filter.js';
import { orderName, sortRows } from '../../components/sort.js';
import { Empty, Loaded, Skeleton } from '../../components/states.js';
import { TextFilter } from '../../components/text-filter.js';
import { duration, Time } from '../../components/time.js';
import { WaitingNote } from '../../components/waiting-note.js';
import { AddWebhook } from './add-webhook.js';
import { GetStarted } from './get-started.js';
import { NotifyMe } from './notify-me.js';
import { SubscriptionLink } from '../../components/subscription-link.js';
import { SubscriptionMenu } from './subscription-menu.js';
import { ACTIONS, Table, tight } from '../../components/table.js';
import '../statistics/chart.css';
import './integrations.css';

const route = getRouteApi('/accounts/$account/integrations');
type Search = ReturnType<typeof route.useSearch>;

/** A list with at most this many webhooks needs no search. */
const FEW = 5;

export function Integrations() {
  const account = useAccount();
  useTitle('Integrations', account);
  const may = useMay();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const go = (next: Search) => void navigate({ search: next });
  const { isSet, set, clear } = filtersOf(search, go);
  const subscriptions = useQuery(subscriptionsQuery(account, search));
  const waiting = useQuery({ ...waitingQuery(account), enabled: may('deliveries:read') });
  const [isAdding, setIsAdding] = useState(false);
  const add = may('subscriptions:write') && (
    <Button look="primary" onClick={() => setIsAdding(true)}>
      <Plus className="icon" aria-hidden />
      Add webhook URL
    </Button>
  );
  return (
    <>
      <PageHead
        title="Event Subscriptions"
        note="Webhooks send the events of this account to your own URLs."
        // Only after loading, because an empty list has its own button.
        action={subscriptions.data && (isSet || subscriptions.data.data.length > 0) && add}
      />
      <Loaded query={subscriptions} what="webhooks">
        {({ data, nextCursor, sortedNewest }) =>
          waiting.isLoading ? (
            // The card has a line per reason, so the table below waits for it.
            <Skeleton what="webhooks" />
          ) : data.length === 0 && search.cursor === undefined && !isSet ? (
            <Empty title="No webhooks yet" action={add}>
              Add a URL to receive events.
            </Empty>
          ) : (
            <>
              {waiting.data && search.cursor === undefined && <WaitingCard account={account} waiting={waiting.data} />}
              {(isSet || data.length > FEW || search.cursor !== undefined || search.sort !== undefined) && (
                <FilterBar label="Webhooks" onClear={isSet ? clear : undefined}>
                  <TextFilter
                    label="Search"
                    placeholder="URL or description begins with…"
                    value={search.q}
                    onChange={(q) => set({ q })}
                  />
                  <Select label="Status" value={search.status} onChange={(status) => set({ status })}>
                    {Object.entries(SUBSCRIPTION_WORDS).map(([status, { label }]) => [status, label])}
                  </Select>
                  <SortFilter of={search} onChange={(sort) => set({ sort })} />
                </FilterBar>
              )}
              {data.length === 0 && nextCursor === null ? (
                <Empty
                  title="No webhooks match these filters"
                  action={<Button onClick={clear}>Clear filters</Button>}
                />
              ) : (
                <Table
                  caption={`Webhooks, ${orderName(search)}`}
                  columns={['Webhook URL', 'Status', 'Events', 'Success 24 h', tight('Last delivery'), ACTIONS]}
                >
                  {sortRows(data, search).map((one) => (
                    <Row key={one.id} account={account} subscription={one} />
                  ))}
                </Table>
              )}
              <Pager paging={searchedPagingOf(search, go)} nextCursor={nextCursor}>
                <SortedNote of={search} page={{ nextCursor, sortedNewest }} what="webhooks" />
              </Pager>
            </>
          )
        }
      </Loaded>
      {/* Below, since they come later: nothing moves away from under the pointer. */}
      <div className="stack first-steps">
        {subscriptions.data && search.cursor === undefined && !isSet && (
          <GetStarted account={account} webhooks={subscriptions.data.data} />
        )}
        <NotifyMe account={account} />
      </div>
      {isAdding && <AddWebhook account={account} onClose={() => setIsAdding(false)} />}
    </>
  );
}

export const eventsOf = ({ events }: Pick<Subscription, 'events'>): string =>
  events.length === 0 ? 'All' : events.length === 1 ? (events[0] ?? '') : `${events.length} types`;

/** The success rate, with a sparkline of the attempts per hour. */
function SuccessRate({ stats }: Pick<Subscription, 'stats'>) {
  if (!stats || stats.successRate === null) return <span className="muted">—</span>;
  const most = Math.max(1, ...stats.sparkline.map(({ succeeded, failed }) => succeeded + failed));
  return (
    <span
      className="row"
      title={`${whole.format(stats.succeeded)} of ${whole.format(stats.attempts)} attempts, p95 ${stats.p95Ms === null ? '—' : duration(stats.p95Ms)}`}
    >
      <span className="number">{percent(stats.successRate)}</span>
      <svg className="sparkline" viewBox="0 0 96 20" preserveAspectRatio="none" aria-hidden>
        {stats.sparkline.map(({ at, succeeded, failed }, hour) => {
          const ok = (succeeded / most) * 20;
          const bad = (failed / most) * 20;
          return (
            <g key={at}>
              <rect x={hour * 4} y={20 - ok} width={3} height={ok} className="chart-ok" />
              <rect x={hour * 4} y={20 - ok - bad} width={3} height={bad} className="chart-failed" />
            </g>
          );
        })}
      </svg>
    </span>
  );
}

function Row({ account, subscription }: { account: string; subscription: Subscription }) {
  const { id, url, description, events, stats } = subscription;
  return (
    <tr>
      <td>
        <SubscriptionLink account={account} id={id} url={url} />
        {description !== null && (
          <div className="small muted">
            <bdi>{description}</bdi>
          </div>
        )}
      </td>
      <td>
        <SubscriptionPill of={subscription} />
        <WaitingNote waiting={stats?.waiting} />
      </td>
      <td data-label="Events" title={events.join(', ')}>
        {eventsOf(subscription)}
      </td>
      <td data-label="Success 24 h">
        <SuccessRate stats={stats} />
      </td>
      <td className="tight" data-label="Last delivery">
        <Time at={stats?.lastDelivery?.createdAt ?? null} />
      </td>
      <td className="tight actions">
        <SubscriptionMenu account={account} subscription={subscription} hasTabs />
      </td>
    </tr>
  );
}
