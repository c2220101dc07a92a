import type { DeliveryDetail, Subscription } from '@posthorn/contract';
import { useQueries, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Circle, CircleCheck } from 'lucide-react';
import type { ReactNode } from 'react';
import { deliveriesQuery, deliveryQuery } from '../../queries/deliveries.js';
import { HowToPublish } from '../publish/first-event.js';
import { useMay } from '../session/session.js';
import './get-started.css';

const PUBLISHED = { status: ['succeeded'], trigger: ['auto'], limit: 1 };
const TESTED = { trigger: ['test'], limit: 1 };
/** A delivery is found by the trigger of its last attempt. Only the first one says whether it is a test. */
const SENT_AGAIN = { trigger: ['manual', 'replay'], limit: 5 };

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
  const sentAgain = useQuery({ ...deliveriesQuery(account, SENT_AGAIN), enabled }).data;
  const details = useQueries({
    queries: (sentAgain?.data ?? []).map(({ id }) => ({
      ...deliveryQuery(account, id),
      refetchInterval: false as const,
    })),
  });
  if (!published || !tested || !sentAgain || details.some(({ isLoading }) => isLoading)) return null;
  const retried = details.flatMap(({ data }) => data ?? []);
  const active = webhooks.find(({ status }) => status !== 'unverified');
  const [first] = webhooks;
  const isPublished = published.data.length > 0 || retried.some((one) => one.status === 'succeeded' && !isTest(one));
  const isTested = tested.data.length > 0 || retried.some(isTest);
  // Without a match among thousands of deliveries, a page is empty but has a next one: the account started long ago.
  const isOld = [published, tested].some(({ data, nextCursor }) => data.length === 0 && nextCursor !== null);
  if (active !== undefined && (isOld || (isPublished && isTested))) {
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

const isTest = ({ attempts }: DeliveryDetail): boolean => attempts[0]?.trigger === 'test';

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
