import type { Queues } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, Navigate } from '@tanstack/react-router';
import { TriangleAlert } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { Button } from '../../components/button.js';
import { rangeOf } from '../../components/filters.js';
import { queuesQuery } from '../../queries/operate.js';
import { statsQuery } from '../../queries/statistics.js';
import { pagesOf } from '../navigation/pages.js';
import { useSession } from '../session/session.js';
import { PageHead, useTitle } from '../../components/page.js';
import { RangeFilter } from '../../components/range-filter.js';
import { Loaded } from '../../components/states.js';
import { whole } from '../../components/number.js';
import { WaitingPanel } from './waiting-panel.js';
import { AttentionPanel, newestAttention } from './attention.js';
import { StatsPanel } from '../statistics/stats-panel.js';
import { untilLoaded } from '../../components/until-loaded.js';
import '../../components/banner.css';

const AddAccount = lazy(() =>
  untilLoaded(async () => ({ default: (await import('../accounts/add-account.js')).AddAccount })),
);

/** The start page: an overview of all accounts for operators, the account's webhooks for others, or the first page that they may open. */
export function Home() {
  const session = useSession();
  const { accountId } = session;
  if (accountId === null) return <Overview />;
  const [first] = pagesOf(session, accountId);
  return <Navigate to={first?.to ?? '/event-types'} params={{ account: accountId }} replace />;
}

const route = getRouteApi('/');

function Overview() {
  useTitle('Overview');
  const navigate = route.useNavigate();
  const { range, bounds, setRange } = rangeOf(
    route.useSearch(),
    (search) => void navigate({ search, resetScroll: false }),
  );
  const stats = useQuery(statsQuery(null, bounds));
  // Render the parts above the charts first, so that they do not push the charts down.
  const hasPartsAbove = [useQuery(queuesQuery), useQuery(newestAttention)].every(({ isPending }) => !isPending);
  return (
    <>
      <PageHead
        title="Overview"
        note="All accounts combined."
        action={
          <div className="filters">
            <RangeFilter isRequired value={range} onChange={setRange} />
          </div>
        }
      />
      <div className="stack">
        <NeedsAttention />
        {hasPartsAbove && (
          <Loaded query={stats} what="statistics" lines={12}>
            {(data) => (
              <div className="stack">
                <WaitingPanel />
                {data.totals.accepted === 0 && data.previous.accepted === 0 && <FirstRun />}
                <StatsPanel stats={data} />
              </div>
            )}
          </Loaded>
        )}
      </div>
    </>
  );
}

/** Problems of the whole system, then the webhooks that need attention. */
function NeedsAttention() {
  const { data } = useQuery(queuesQuery);
  const faults = data ? faultsOf(data) : [];
  return (
    <>
      {faults.length > 0 && (
        <div className="banner tone-warning">
          <TriangleAlert className="icon" aria-hidden />
          <ul className="text">
            {faults.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
          <Link className="button" to="/queues">
            View queues
          </Link>
        </div>
      )}
      <AttentionPanel />
    </>
  );
}

const faultsOf = ({ queues, workersAlive, deliveries }: Queues): string[] =>
  [
    queues === null && 'The queue is not responding. No event is lost; deliveries are delayed.',
    workersAlive === 0 && 'No worker is running, so nothing is delivered. Start a worker.',
    deliveries.overdue > 0 && `${whole.format(deliveries.overdue)} deliveries are overdue.`,
  ].filter((text) => text !== false);

function FirstRun() {
  const [isAdding, setIsAdding] = useState(false);
  const steps = ['Add an account', 'Add a webhook URL', 'Publish an event or send a test'];
  return (
    <div className="panel stack close">
      <h2>Deliver your first event</h2>
      <ol className="numbered stack tight">
        {steps.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ol>
      <div className="row">
        <Button look="primary" onClick={() => setIsAdding(true)}>
          Add account
        </Button>
        <Link to="/accounts">View accounts</Link>
      </div>
      {isAdding && (
        <Suspense>
          <AddAccount onClose={() => setIsAdding(false)} />
        </Suspense>
      )}
    </div>
  );
}
