import { type Delivery, type DeliveryDetail, DELIVERY_WORDS, TRIGGER_WORDS } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { Check, CircleDashed, CircleX, Clock } from 'lucide-react';
import { useState } from 'react';
import { deliveryQuery, eventQuery } from '../data/queries.js';
import { useAccount, useMay } from '../session.js';
import { Button } from '../ui/button.js';
import { Copy, Id } from '../ui/copy.js';
import { Url } from '../ui/outside-text.js';
import { Facts, PageHead, useTitle } from '../ui/page.js';
import { DeliveryPill } from '../ui/pill.js';
import { Empty, Loaded } from '../ui/states.js';
import { duration, Time } from '../ui/time.js';
import { AttemptDetail } from './attempt-result.js';
import { useRetry } from './delivery-table.js';

export function DeliveryScreen() {
  const account = useAccount();
  const { delivery: id = '' } = useParams({ strict: false });
  const delivery = useQuery(deliveryQuery(account, id));
  const retry = useRetry(account, id);
  const may = useMay();
  useTitle(delivery.data?.event ?? 'Delivery', account);
  return (
    <Loaded query={delivery} what="the delivery">
      {(data) => (
        <div className="stack wide">
          <PageHead
            title={
              <span className="row">
                <span className="mono">{data.event}</span> <DeliveryPill of={data} />
              </span>
            }
            note={<Url url={data.url} />}
            act={
              <>
                <CopyAsCurl account={account} delivery={data} />
                {may('deliveries:write') && (
                  <Button look="primary" isPending={retry.isPending} onClick={() => retry.mutate(undefined)}>
                    Retry now
                  </Button>
                )}
              </>
            }
          />
          <Stepper delivery={data} />
          <div className="panel">
            <Facts
              facts={[
                ['Delivery', <Id key="id" id={data.id} />],
                [
                  'Event',
                  <span key="event" className="row">
                    <Link to="/accounts/$account/events/$event" params={{ account, event: data.eventId }}>
                      {data.event}
                    </Link>
                    <Id id={data.eventId} />
                  </span>,
                ],
                [
                  'Webhook',
                  <Link
                    key="webhook"
                    to="/accounts/$account/subscriptions/$subscription"
                    params={{ account, subscription: data.subscriptionId }}
                  >
                    <Url url={data.url} />
                  </Link>,
                ],
              ]}
            />
          </div>
          <Attempts delivery={data} />
        </div>
      )}
    </Loaded>
  );
}

/** Accepted → tried → what is next, or how it ended. */
function Stepper({ delivery }: { delivery: DeliveryDetail }) {
  const { status, statusReason, attemptCount, createdAt, completedAt, nextAttemptAt } = delivery;
  const { label, text } = DELIVERY_WORDS[status];
  const isOver = completedAt !== null;
  const EndIcon = !isOver ? Clock : status === 'succeeded' ? Check : CircleX;
  return (
    <div className="panel stack close">
      <ol className="stepper">
        <li>
          <Check className="icon" aria-hidden />
          <span>
            Accepted <Time at={createdAt} />
          </span>
        </li>
        <li data-done={attemptCount > 0}>
          {attemptCount > 0 ? <Check className="icon" aria-hidden /> : <CircleDashed className="icon" aria-hidden />}
          <span>
            {attemptCount === 0 ? 'Not tried yet' : `Tried ${attemptCount === 1 ? 'once' : `${attemptCount} times`}`}
          </span>
        </li>
        <li data-done={isOver}>
          <EndIcon className="icon" aria-hidden />
          <span>
            {isOver ? (
              <>
                {label} <Time at={completedAt} />
              </>
            ) : nextAttemptAt === null ? (
              label
            ) : (
              <>
                Next try <Time at={nextAttemptAt} />
              </>
            )}
          </span>
        </li>
      </ol>
      <p className="muted small">
        {text}
        {statusReason !== null && ` Reason: ${statusReason.replaceAll('_', ' ')}.`}
      </p>
    </div>
  );
}

function Attempts({ delivery: { attempts, nextAttemptAt } }: { delivery: DeliveryDetail }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const newestFirst = attempts.toReversed();
  const shown = newestFirst.find(({ id }) => id === chosen) ?? newestFirst[0];
  if (shown === undefined)
    return (
      <Empty title="Not tried yet">
        {nextAttemptAt === null ? (
          'No try is scheduled.'
        ) : (
          <>
            It is due <Time at={nextAttemptAt} />.
          </>
        )}
      </Empty>
    );
  return (
    <section className="stack close" aria-labelledby="attempts">
      <h2 id="attempts">Attempts</h2>
      <div className="attempts">
        <ol className="attempt-list" aria-label="Attempts, newest first">
          {newestFirst.map((attempt) => (
            <li key={attempt.id}>
              <button type="button" aria-pressed={attempt === shown} onClick={() => setChosen(attempt.id)}>
                <span className="row">
                  <span className="number">#{attempt.number}</span>
                  <strong>{attempt.statusCode ?? attempt.outcome.replaceAll('_', ' ')}</strong>
                  <span className="muted small">{TRIGGER_WORDS[attempt.trigger]}</span>
                </span>
                <span className="muted small">
                  <Time at={attempt.startedAt} /> · {duration(attempt.durationMs)}
                </span>
              </button>
            </li>
          ))}
        </ol>
        <div className="panel">
          <AttemptDetail attempt={shown} />
        </div>
      </div>
    </section>
  );
}

/** The request, to be made again by hand. Without a signature: that needs the secret. */
function CopyAsCurl({ account, delivery }: { account: string; delivery: Delivery }) {
  const event = useQuery({ ...eventQuery(account, delivery.eventId), refetchInterval: false });
  if (!event.data?.payload) return null;
  const body = JSON.stringify({ event: event.data.event, payload: event.data.payload }).replaceAll(
    "'",
    String.raw`'\''`,
  );
  const text = `curl -i -X POST '${delivery.url}' \\\n  -H 'content-type: application/json' \\\n  -H 'webhook-id: ${delivery.eventId}' \\\n  --data-raw '${body}'`;
  return (
    <Copy text={text} what="as curl">
      Copy as curl
    </Copy>
  );
}
