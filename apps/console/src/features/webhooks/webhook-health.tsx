import {
  ATTEMPT_OUTCOMES,
  type AttemptOutcome,
  type Attempt,
  type Delivery,
  type DeliveryDetail,
  fill,
  OUTCOME_TITLES,
  type Subscription,
  type WaitingDeliveries,
} from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CircleX, TriangleAlert } from 'lucide-react';
import { Button } from '../../components/button.js';
import { useNow } from '../../components/clock.js';
import { countOf } from '../../components/number.js';
import { OutsideText } from '../../components/outside-text.js';
import { subscriptionWords } from '../../components/pill.js';
import { Moment, relativeTime, Time } from '../../components/time.js';
import { shortTime, useZone } from '../../components/zone.js';
import { deliveriesQuery, deliveryCountQuery, deliveryQuery, waitingQuery } from '../../queries/deliveries.js';
import { WaitingCount } from '../deliveries/waiting-count.js';
import { useMay } from '../session/session.js';
import { undeliveredFrom } from './undelivered-from.js';
import { OutageProgress } from './outage-progress.js';
import '../../components/banner.css';
import './webhook-health.css';

/** An attempt that Posthorn ended itself says nothing about the endpoint. */
const isFailure = (outcome: AttemptOutcome): boolean => outcome !== 'ok' && outcome !== 'aborted';

export interface Health {
  /** true: the content above the tabs is not loaded yet. */
  isPending: boolean;
  waiting: WaitingDeliveries | undefined;
  /** Its latest failed attempt; null: none is known. */
  failure: { delivery: DeliveryDetail; attempt: Attempt } | null;
}

/** Reads the waiting deliveries of a webhook and, if it is failing or was disabled because it failed, its last error. */
export function useWebhookHealth(account: string, subscription: Subscription): Health {
  const { id, status, failingSince } = subscription;
  const isFailing = (status === 'active' && failingSince !== null) || wasFailing(subscription);
  const may = useMay()('deliveries:read');
  const waiting = useQuery({ ...waitingQuery(account, id), enabled: may });
  const failed = useQuery({
    ...deliveriesQuery(account, { subscription: [id], outcome: ATTEMPT_OUTCOMES.filter(isFailure), limit: 25 }),
    enabled: may && isFailing,
  });
  const latest = failed.data?.data.toSorted((a, b) => lastAttemptAt(b) - lastAttemptAt(a))[0];
  const delivery = useQuery({ ...deliveryQuery(account, latest?.id ?? ''), enabled: latest !== undefined });
  const attempt = delivery.data?.attempts.findLast(({ outcome }) => isFailure(outcome));
  return {
    isPending: isFailing && (waiting.isLoading || failed.isLoading || delivery.isLoading),
    waiting: waiting.data,
    failure: delivery.data && attempt ? { delivery: delivery.data, attempt } : null,
  };
}

/** Whether Posthorn disabled the webhook, because its endpoint failed for too long or returned 410. */
export const wasFailing = ({ status, statusReason }: Subscription): boolean =>
  status === 'disabled' && (statusReason === 'failing' || statusReason === 'gone');

const lastAttemptAt = ({ lastAttempt }: Delivery): number => (lastAttempt === null ? 0 : Date.parse(lastAttempt.at));

/** Shows the last error of a failing webhook, its waiting deliveries and what to do. After the webhook has recovered, shows how many of the
 *  waiting deliveries were sent. */
export function WebhookHealth({
  account,
  subscription,
  health,
}: {
  account: string;
  subscription: Subscription;
  health: Health;
}) {
  const { failingSince, lastOutage } = subscription;
  if (failingSince !== null)
    return <FailurePanel account={account} subscription={subscription} since={failingSince} health={health} />;
  return lastOutage && <OutageProgress account={account} subscription={subscription} outage={lastOutage} />;
}

function FailurePanel({
  account,
  subscription: { id, circuit },
  since,
  health: { waiting, failure },
}: {
  account: string;
  subscription: Subscription;
  since: string;
  health: Health;
}) {
  const now = useNow();
  const zone = useZone();
  const may = useMay();
  const next =
    circuit.state !== 'open' || circuit.until === null ? null : `next attempt ${relativeTime(circuit.until, now)}`;
  return (
    <div className="banner tone-warning health" role="status">
      <TriangleAlert className="icon" aria-hidden />
      <div className="text stack close">
        <strong>
          Every attempt has failed since <Moment at={since} text={shortTime(since, zone)} />.
          {next !== null && ` Deliveries are waiting; ${next}.`}
        </strong>
        {failure && <LastError account={account} {...failure} />}
        {waiting !== undefined && (
          <span>
            Waiting: <WaitingCount of={waiting} />
          </span>
        )}
        {may('subscriptions:write') && (
          <span className="row">
            <TestLink account={account} id={id} />
            <span className="small">
              When it succeeds, the waiting deliveries are sent.
              {failure?.attempt.statusCode === 429 && ' Deliveries with status 429 keep their next attempt.'}
            </span>
          </span>
        )}
      </div>
    </div>
  );
}

const TestLink = ({ account, id }: { account: string; id: string }) => (
  <Link
    className="button"
    to="/accounts/$account/subscriptions/$subscription/test"
    params={{ account, subscription: id }}
  >
    Send test
  </Link>
);

/** Why Posthorn disabled the webhook, with its last error, and what to do: send a test, then enable it. */
export function DisabledPanel({
  account,
  subscription,
  health: { failure },
  onEnable,
}: {
  account: string;
  subscription: Subscription;
  health: Health;
  /** undefined: not allowed. */
  onEnable: (() => void) | undefined;
}) {
  const { id, statusChangedAt } = subscription;
  const may = useMay();
  const canceled = useQuery({
    ...deliveryCountQuery(account, { subscription: [id], status: ['canceled'], from: undeliveredFrom(subscription) }),
    enabled: may('deliveries:read'),
  }).data;
  return (
    <div className="banner tone-danger health" role="status">
      <CircleX className="icon" aria-hidden />
      <div className="text stack close">
        <strong>
          {subscriptionWords(subscription).text} Disabled <Time at={statusChangedAt} />.
        </strong>
        {failure && <LastError account={account} {...failure} />}
        {canceled !== undefined && canceled.count > 0 && (
          <span>
            {countOf(canceled)} {canceled.count === 1 ? 'delivery was' : 'deliveries were'} canceled. You can replay{' '}
            {canceled.count === 1 ? 'it' : 'them'} after you have enabled the webhook.
          </span>
        )}
        {onEnable && (
          <span className="row">
            <TestLink account={account} id={id} />
            <Button onClick={onEnable}>Enable</Button>
          </span>
        )}
      </div>
    </div>
  );
}

/** The latest failed attempt: its status, and the first line of the response. */
function LastError({ account, delivery, attempt }: { account: string; delivery: DeliveryDetail; attempt: Attempt }) {
  const { outcome, statusCode, url, responseHeaders, responseBody, durationMs, error, startedAt } = attempt;
  const line = responseBody?.trim().split('\n', 1)[0] ?? '';
  return (
    <>
      <span>
        Last error:{' '}
        {fill(OUTCOME_TITLES[outcome], {
          status: statusCode,
          host: URL.canParse(url) ? new URL(url).host : url,
          location: responseHeaders?.['location'],
          limit: Math.round(durationMs / 1_000),
        })}
        , <Time at={startedAt} />.{' '}
        <Link to="/accounts/$account/deliveries/$delivery" params={{ account, delivery: delivery.id }}>
          See this attempt
        </Link>
      </span>
      {line === '' ? (
        error !== null && <span className="small">{error}</span>
      ) : (
        <OutsideText className="mono small first-line" text={line.slice(0, 200)} />
      )}
    </>
  );
}
