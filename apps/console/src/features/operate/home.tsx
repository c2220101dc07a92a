import type { Queues } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, Navigate } from '@tanstack/react-router';
import { TriangleAlert } from 'lucide-react';
import { rangeOf } from '../../components/filters.js';
import { queuesQuery } from './queries.js';
import { statsQuery } from '../statistics/queries.js';
import { useSession } from '../session/session.js';
import { PageHead, useTitle } from '../../components/page.js';
import { RangeFilter } from '../../components/range-filter.js';
import { Loaded } from '../../components/states.js';
import { AttentionPanel, newestAttention } from './attention.js';
import { FiguresPanel } from '../statistics/figures.js';
import '../../components/banner.css';

/** Where one begins: the operator with all accounts, everybody else with the webhooks of theirs. */
export function Home() {
  const { accountId } = useSession();
  return accountId === null ? (
    <Overview />
  ) : (
    <Navigate to="/accounts/$account/integrations" params={{ account: accountId }} replace />
  );
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
  // What may stand above the figures comes before them, so that it does not push them down.
  const isAboveThere = [useQuery(queuesQuery), useQuery(newestAttention)].every(({ isPending }) => !isPending);
  return (
    <>
      <PageHead
        title="Overview"
        note="All accounts together."
        act={
          <div className="filters">
            <RangeFilter isRequired value={range} onChange={setRange} />
          </div>
        }
      />
      <div className="stack">
        <NeedsAttention />
        {isAboveThere && (
          <Loaded query={stats} what="statistics" lines={12}>
            {(data) => (
              <div className="stack">
                {data.totals.accepted === 0 && data.previous.accepted === 0 && <FirstRun />}
                <FiguresPanel stats={data} />
              </div>
            )}
          </Loaded>
        )}
      </div>
    </>
  );
}

/** What ails the whole, and below it the webhooks that somebody should look at. */
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
            See the queues
          </Link>
        </div>
      )}
      <AttentionPanel />
    </>
  );
}

const faultsOf = ({ queues, workersAlive, deliveries }: Queues): string[] =>
  [
    queues === null && 'The queue does not answer. Nothing is lost; deliveries come later.',
    workersAlive === 0 && 'No worker is alive: nothing is delivered. Start one.',
    deliveries.overdue > 0 && `${deliveries.overdue} deliveries are overdue.`,
  ].filter((text) => text !== false);

function FirstRun() {
  const steps = ['Add an account', 'Add its webhook URL', 'Publish an event, or send a test'];
  return (
    <div className="panel stack close">
      <h2>To the first delivered event</h2>
      <ol className="numbered stack tight">
        {steps.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ol>
      <div className="row">
        <Link className="button primary" to="/accounts">
          To the accounts
        </Link>
      </div>
    </div>
  );
}
