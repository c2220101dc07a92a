import type { Replay } from '@posthorn/contract';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { PageHead, useTitle } from '../../components/page.js';
import { useAccount } from '../session/session.js';
import { useSubscriptionId } from '../webhooks/subscription-id.js';
import { ReplayForm } from './replay-form.js';

const tabRoute = getRouteApi('/accounts/$account/subscriptions/$subscription/replay');
const accountRoute = getRouteApi('/accounts/$account/replays/new');
const operatorsRoute = getRouteApi('/replays/new');

/** A filter changes the address without a step in the browser's history. */
const IN_PLACE = { replace: true, resetScroll: false } as const;

/** For one webhook, on its tab. */
export function ReplayTab() {
  const account = useAccount();
  const subscription = useSubscriptionId();
  const navigate = tabRoute.useNavigate();
  return (
    <ReplayForm
      account={account}
      fixed={{ subscription }}
      search={tabRoute.useSearch()}
      onSearch={(search) => void navigate({ search, ...IN_PLACE })}
      onStarted={useOpenReplay(account)}
    />
  );
}

/** For an account, with the filters of the address. */
export function StartReplay() {
  const account = useAccount();
  const navigate = accountRoute.useNavigate();
  useTitle('Start a replay', account);
  return (
    <>
      <PageHead title="Start a replay" />
      <ReplayForm
        account={account}
        search={accountRoute.useSearch()}
        onSearch={(search) => void navigate({ search, ...IN_PLACE })}
        onStarted={useOpenReplay(account)}
      />
    </>
  );
}

/** For all accounts, or some. */
export function StartReplayOfAccounts() {
  const navigate = operatorsRoute.useNavigate();
  useTitle('Start a replay');
  return (
    <>
      <PageHead title="Start a replay" note="For all accounts, for example after an outage." />
      <ReplayForm
        account={null}
        search={operatorsRoute.useSearch()}
        onSearch={(search) => void navigate({ search, ...IN_PLACE })}
        onStarted={({ id }) => void navigate({ to: '/replays/$replay', params: { replay: id } })}
      />
    </>
  );
}

function useOpenReplay(account: string): (replay: Replay) => void {
  const navigate = useNavigate();
  return ({ id }) => void navigate({ to: '/accounts/$account/replays/$replay', params: { account, replay: id } });
}
