import { useQuery } from '@tanstack/react-query';
import { Link, Navigate, useNavigate, useSearch } from '@tanstack/react-router';
import { TriangleAlert } from 'lucide-react';
import { queuesQuery, statsQuery } from '../data/queries.js';
import { RANGES, since } from '../data/range.js';
import { useSession } from '../session.js';
import { PageHead, useTitle } from '../ui/page.js';
import { Select } from '../ui/select.js';
import { Loaded } from '../ui/states.js';
import { FiguresPanel } from './figures.js';

/** Where one begins: the operator with all accounts, everybody else with the webhooks of theirs. */
export function Home() {
  const { accountId } = useSession();
  return accountId === null ? (
    <Overview />
  ) : (
    <Navigate to="/accounts/$account/integrations" params={{ account: accountId }} replace />
  );
}

function Overview() {
  useTitle('Overview');
  const { range = '24h' } = useSearch({ strict: false });
  const navigate = useNavigate();
  const stats = useQuery(statsQuery(null, { from: since(range) }));
  return (
    <>
      <PageHead
        title="Overview"
        note="All accounts together."
        act={
          <Select
            label="Time"
            isRequired
            value={range}
            onChange={(next) => void navigate({ to: '/', search: { range: next } })}
          >
            {RANGES.map(({ id, label }) => [id, label])}
          </Select>
        }
      />
      <div className="stack">
        <Attention />
        <Loaded query={stats} what="statistics" lines={12}>
          {(data) => (
            <div className="stack">
              {data.totals.accepted === 0 && data.previous.accepted === 0 && <FirstRun />}
              <FiguresPanel stats={data} />
            </div>
          )}
        </Loaded>
      </div>
    </>
  );
}

/** What somebody should look at, each with where to go. */
function Attention() {
  const { data } = useQuery(queuesQuery);
  if (!data) return null;
  const { deliveries, subscriptions, breakers } = data;
  const faults = [
    data.queues === null && 'The queue does not answer. Nothing is lost; deliveries come later.',
    data.workersAlive === 0 && 'No worker is alive: nothing is delivered. Start one.',
    deliveries.pastDue > 0 && `${deliveries.pastDue} deliveries are past due.`,
    breakers.open > 0 &&
      `${breakers.open} ${breakers.open === 1 ? 'webhook fails' : 'webhooks fail'} every time and ${breakers.open === 1 ? 'is' : 'are'} spared for now.`,
    subscriptions.disabled > 0 &&
      `${subscriptions.disabled} ${subscriptions.disabled === 1 ? 'webhook is' : 'webhooks are'} disabled.`,
    subscriptions.unverified > 0 &&
      `${subscriptions.unverified} ${subscriptions.unverified === 1 ? 'webhook is' : 'webhooks are'} not verified, and ${subscriptions.unverified === 1 ? 'gets' : 'get'} no events.`,
  ].filter((text) => text !== false);
  if (faults.length === 0) return null;
  return (
    <div className="banner tone-warning">
      <TriangleAlert className="icon" aria-hidden />
      <div className="text">
        <h2>Needs attention</h2>
        <ul>
          {faults.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      </div>
      <Link className="button" to="/queues">
        See the queues
      </Link>
    </div>
  );
}

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
