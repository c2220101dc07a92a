import type { Subscription } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Circle, CircleCheck } from 'lucide-react';
import type { ReactNode } from 'react';
import { deliveriesQuery } from '../../queries/deliveries.js';
import { HowToPublish } from '../publish/first-event.js';
import { useMay } from '../session/session.js';
import './get-started.css';

const PUBLISHED = { status: ['succeeded'], trigger: ['auto', 'manual', 'replay'], limit: 1 };
const TESTED = { trigger: ['test'], limit: 1 };

interface Props {
  account: string;
  webhooks: Subscription[];
}

/** Accounts that have completed the first steps, so that nothing is read for them again. */
const started = new Set<string>();

/** The first steps of an account: a webhook, a test, a published event. It stays until all three are done. */
export function GetStarted(props: Props) {
  return started.has(props.account) ? null : <Steps {...props} />;
}

function Steps({ account, webhooks }: Props) {
  const may = useMay();
  const enabled = may('deliveries:read');
  const published = useQuery({ ...deliveriesQuery(account, PUBLISHED), enabled }).data;
  const tested = useQuery({ ...deliveriesQuery(account, TESTED), enabled }).data;
  if (!published || !tested) return null;
  const active = webhooks.find(({ status }) => status !== 'unverified');
  const [first] = webhooks;
  // Without a match among thousands of deliveries, the page is empty but has a next one: the account started long ago.
  const isPublished = published.data.length > 0 || published.nextCursor !== null;
  const isTested = tested.data.length > 0;
  if (active !== undefined && isPublished) {
    started.add(account);
    return null;
  }
  return (
    <section className="panel stack" aria-labelledby="get-started">
      <h2 id="get-started">Get started</h2>
      <ol className="get-started">
        <Step isDone={active !== undefined} title="Add a webhook URL">
          {first !== undefined && (
            <span>
              Your webhook is not verified yet.{' '}
              <Link to="/accounts/$account/subscriptions/$subscription" params={{ account, subscription: first.id }}>
                Verify it
              </Link>
            </span>
          )}
        </Step>
        <Step isDone={isTested} title="Send a test">
          {active !== undefined && (
            <Link
              to="/accounts/$account/subscriptions/$subscription/test"
              params={{ account, subscription: active.id }}
            >
              Send a test to your webhook
            </Link>
          )}
        </Step>
        <Step isDone={isPublished} title="Receive the first published event">
          {may('events:write') ? (
            <HowToPublish account={account} />
          ) : (
            <span className="muted">It appears here as soon as your app publishes an event.</span>
          )}
        </Step>
      </ol>
    </section>
  );
}

function Step({ isDone, title, children }: { isDone: boolean; title: string; children: ReactNode }) {
  const Icon = isDone ? CircleCheck : Circle;
  return (
    <li data-done={isDone}>
      <Icon className="icon" aria-hidden />
      <div className="stack close grow">
        <strong>
          {title}
          <span className="visually-hidden">{isDone ? ', done' : ', to do'}</span>
        </strong>
        {!isDone && children}
      </div>
    </li>
  );
}
