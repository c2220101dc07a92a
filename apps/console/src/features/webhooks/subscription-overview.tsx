import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { rangeOf } from '../../components/filters.js';
import { deliveriesQuery, waitingQuery } from '../../queries/deliveries.js';
import { WaitingCount } from '../deliveries/waiting-count.js';
import { statsQuery } from '../../queries/statistics.js';
import { subscriptionQuery } from '../../queries/webhooks.js';
import { useAccount, useMay } from '../session/session.js';
import { Id } from '../../components/copy.js';
import { Facts } from '../../components/page.js';
import { RangeFilter } from '../../components/range-filter.js';
import { Empty, Loaded } from '../../components/states.js';
import { duration, Time } from '../../components/time.js';
import { DeliveryTable } from '../deliveries/delivery-table.js';
import { StatsPanel } from '../statistics/stats-panel.js';
import { authenticationSummary } from './authentication-input.js';
import { eventsOf } from './integrations.js';
import { Outcomes } from '../statistics/outcomes.js';
import { scheduleText } from './retry-input.js';
import { SecretBox } from './secret-box.js';
import { useSubscriptionId } from './subscription-id.js';

const route = getRouteApi('/accounts/$account/subscriptions/$subscription/');

export function SubscriptionOverview() {
  const account = useAccount();
  const id = useSubscriptionId();
  const may = useMay();
  const subscription = useQuery(subscriptionQuery(account, id));
  const latest = useQuery(deliveriesQuery(account, { subscription: [id], limit: 5 }));
  const navigate = useNavigate();
  const { range, bounds, setRange } = rangeOf(
    route.useSearch(),
    (search) => void navigate({ to: '.', search, resetScroll: false }),
  );
  const stats = useQuery(statsQuery(account, { subscription: id, ...bounds }));
  const waiting = useQuery({ ...waitingQuery(account, id), enabled: may('deliveries:read') }).data;
  const { data } = subscription;
  if (!data) return null;
  return (
    <div className="stack wide">
      <div className="panel stack">
        <Facts
          facts={[
            ['ID', <Id key="id" id={id} />],
            ['Events', data.events.length > 1 ? data.events.join(', ') : eventsOf(data)],
            // Render the line at once, so that nothing moves when its number has loaded.
            ['Waiting', waiting === undefined ? '—' : <WaitingCount key="waiting" of={waiting} />],
            ['Created', <Time key="at" at={data.createdAt} isWhole />],
            ['Rate limit', data.rateLimit === null ? 'None' : `${data.rateLimit} per second`],
            ...(data.filter === null
              ? []
              : [['Filter', <code key="filter">{data.filter}</code>] satisfies [string, ReactNode]]),
            ...(data.retrySchedule === null
              ? []
              : [['Retries after', scheduleText(data.retrySchedule)] satisfies [string, string]]),
            ...(data.timeoutMs === null ? [] : [['Timeout', duration(data.timeoutMs)] satisfies [string, string]]),
            ...(data.ordering === 'strict'
              ? [['Order', 'Strict, one delivery at a time'] satisfies [string, string]]
              : []),
            ['Custom headers', Object.keys(data.headers).join(', ') || 'None'],
            ...(data.authentication === null
              ? []
              : [['Authentication', authenticationSummary(data.authentication)] satisfies [string, string]]),
            [
              data.verification.status === 'verified' ? 'Verified' : 'Last verification',
              <Time key="checked" at={data.verification.checkedAt} isWhole />,
            ],
          ]}
        />
        {may('secrets:read') && <SecretBox account={account} id={id} />}
      </div>
      <section className="stack close" aria-labelledby="activity">
        <div className="row spread">
          <h2 id="activity">Activity</h2>
          <div className="filters">
            <RangeFilter isRequired value={range} onChange={setRange} />
          </div>
        </div>
        <Loaded query={stats} what="statistics" lines={15}>
          {(read) => (
            <div className="stack">
              <StatsPanel
                stats={read}
                onOpen={(from, to) =>
                  void navigate({
                    to: '/accounts/$account/subscriptions/$subscription/deliveries',
                    params: { account, subscription: id },
                    search: { from, to },
                  })
                }
              />
              <Outcomes period={read.totals} />
            </div>
          )}
        </Loaded>
      </section>
      <section className="stack close" aria-labelledby="latest">
        <div className="row spread">
          <h2 id="latest">Latest deliveries</h2>
          <Link to="/accounts/$account/subscriptions/$subscription/deliveries" params={{ account, subscription: id }}>
            All deliveries
          </Link>
        </div>
        <Loaded query={latest} what="deliveries">
          {({ data: rows }) =>
            rows.length === 0 ? (
              <Empty title="No deliveries yet">
                Deliveries appear here when your app publishes an event that this webhook subscribes to.
              </Empty>
            ) : (
              <DeliveryTable account={account} deliveries={rows} isOfOne />
            )
          }
        </Loaded>
      </section>
    </div>
  );
}
