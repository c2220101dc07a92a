import { DELIVERY_WORDS, OUTCOME_WORDS, type Replay, TRIGGER_WORDS } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useAction } from '../../components/action.js';
import { Button } from '../../components/button.js';
import { Id } from '../../components/copy.js';
import { OutsideText } from '../../components/outside-text.js';
import { Facts, PageHead, useTitle } from '../../components/page.js';
import { Loaded } from '../../components/states.js';
import { Time } from '../../components/time.js';
import { useAccount, useMay } from '../session/session.js';
import { Progress } from './progress.js';
import { replayQuery, replaysKey, replaysPath } from '../../queries/replays.js';
import { ReplayAccounts } from './replay-accounts.js';
import { REPLAY_WORDS } from '../../components/replay-words.js';
import { ReplayPill } from './replay-pill.js';

const route = getRouteApi('/accounts/$account/replays/$replay');
const operatorsRoute = getRouteApi('/replays/$replay');

export function ReplayScreen() {
  return <ReplayPage account={useAccount()} id={route.useParams().replay} />;
}

/** The page of a replay of any account, or of several. */
export function AnyReplayScreen() {
  return <ReplayPage account={null} id={operatorsRoute.useParams().replay} />;
}

function ReplayPage({ account, id }: { account: string | null; id: string }) {
  const may = useMay();
  const replay = useQuery(replayQuery(account, id));
  useTitle('Replay', account);
  const cancel = useAction<Replay>({ path: `${replaysPath(account)}/${id}/cancel`, touches: replaysKey(account) });
  return (
    <Loaded query={replay} what="the replay">
      {(data) => (
        <div className="stack wide">
          <PageHead
            title={
              <span className="row">
                {REPLAY_WORDS[data.which]} <ReplayPill of={data} />
              </span>
            }
            action={
              data.status === 'running' &&
              may('deliveries:write') && (
                <Button isPending={cancel.isPending} onClick={() => cancel.mutate(undefined)}>
                  Cancel
                </Button>
              )
            }
          />
          <div className="panel stack">
            <Progress of={data} />
            {data.status === 'canceled' && <p className="muted">Canceled. Queued deliveries are still sent.</p>}
            <Facts facts={factsOf(data, account)} />
          </div>
          {account === null && data.accountId === null && <ReplayAccounts replay={data} />}
        </div>
      )}
    </Loaded>
  );
}

function factsOf(replay: Replay, account: string | null): [string, ReactNode][] {
  const of = account ?? replay.accountId;
  return [
    ['Created between', <Span key="span" of={replay} />],
    ...filterFacts(replay),
    ...(of === null
      ? []
      : [['Deliveries', <Deliveries key="deliveries" account={of} id={replay.id} />] satisfies [string, ReactNode]]),
    ['Started', <Time key="at" at={replay.createdAt} />],
    ['Ended', <Time key="ended" at={replay.endedAt} />],
    ['ID', <Id key="id" id={replay.id} />],
  ];
}

const Span = ({ of: { since, until } }: { of: Replay }) => (
  <span>
    {Date.parse(since) === 0 ? 'The beginning' : <Time at={since} />} and <Time at={until} />
  </span>
);

function filterFacts(replay: Replay): [string, ReactNode][] {
  const { accountId, accounts, subscriptions, event, eventTypes, statuses, outcomes, statusCodes, triggers, q } =
    replay;
  const of = accountId ?? accounts?.[0];
  const facts: [string, ReactNode][] = [
    ['Accounts', accountId === null && (accounts === null ? 'All' : accounts.join(', '))],
    ['Webhooks', subscriptions === null ? 'All' : <Webhooks key="webhooks" account={of} ids={subscriptions} />],
    ['Event', event !== null && of !== undefined && <EventLink key="event" account={of} id={event} />],
    ['Event types', eventTypes?.join(', ')],
    ['Statuses', statuses?.map((one) => DELIVERY_WORDS[one].label).join(', ')],
    ['Outcome', outcomes?.map((one) => OUTCOME_WORDS[one]).join(', ')],
    ['HTTP status', statusCodes?.join(', ')],
    ['Last attempt', triggers?.map((one) => TRIGGER_WORDS[one]).join(', ')],
    ['Earlier replay', replay.replay !== null && <EarlierReplay key="replay" account={accountId} id={replay.replay} />],
    ['Search', q !== null && <OutsideText className="mono" text={q} />],
  ];
  return facts.filter(([, value]) => Boolean(value));
}

const EarlierReplay = ({ account, id }: { account: string | null; id: string }) =>
  account === null ? (
    <Link to="/replays/$replay" params={{ replay: id }}>
      See the replay
    </Link>
  ) : (
    <Link to="/accounts/$account/replays/$replay" params={{ account, replay: id }}>
      See the replay
    </Link>
  );

function Webhooks({ account, ids }: { account: string | undefined; ids: string[] }) {
  const [id] = ids;
  if (account === undefined || id === undefined || ids.length > 1) return `${ids.length} webhooks`;
  return (
    <Link to="/accounts/$account/subscriptions/$subscription" params={{ account, subscription: id }}>
      See the webhook
    </Link>
  );
}

const EventLink = ({ account, id }: { account: string; id: string }) => (
  <Link to="/accounts/$account/events/$event" params={{ account, event: id }}>
    See the event
  </Link>
);

/** A list of deliveries is one account's. */
const Deliveries = ({ account, id }: { account: string; id: string }) => (
  <Link to="/accounts/$account/deliveries" params={{ account }} search={{ replay: id }}>
    See the deliveries
  </Link>
);
