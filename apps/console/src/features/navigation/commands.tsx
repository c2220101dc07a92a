import type { Account, Lookup, Subscription } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Hash, type LucideIcon, Users, Webhook } from 'lucide-react';
import type { ReactNode } from 'react';
import { accountPath } from '../../api/account-path.js';
import { ApiProblem } from '../../api/api-problem.js';
import { call, query } from '../../api/call.js';
import type { Page } from '../../api/page.js';
import { Url } from '../../components/outside-text.js';
import { useDelayed } from '../../components/use-delayed.js';
import { accountSearchQuery } from '../../queries/accounts.js';
import { useMay, useSession } from '../session/session.js';
import { pagesOf } from './pages.js';

/** A result of the command menu. */
export interface Command {
  /** Unique among all results. */
  key: string;
  icon: LucideIcon;
  text: ReactNode;
  detail?: ReactNode;
  path: string;
}

interface Found {
  /** Groups with results. Later results come after earlier ones within their group. */
  groups: { name: string; commands: Command[] }[];
  isSearching: boolean;
  error: Error | null;
}

/** Maximum number of webhooks in the results. */
const MOST = 6;
const IS_ID = /^(sub|evt|dlv|att|key|ver|rpl)_[0-9a-z]{26}$/;

/** Returns the results for a text. They contain only what the session may open. */
export function useCommands(text: string, account: string | null): Found {
  const session = useSession();
  const may = useMay();
  const isOperator = session.kind === 'operator';
  const searched = useDelayed(text);
  const isId = IS_ID.test(searched);
  const isText = searched !== '' && !isId;

  const lookup = useQuery({
    queryKey: ['search', 'id', searched],
    queryFn: ({ signal }) =>
      call<Lookup>('GET', `/v1/lookup/${searched}`, undefined, signal).catch((error: unknown) => {
        if (error instanceof ApiProblem && error.status === 404) return null;
        throw error;
      }),
    enabled: isId,
  });
  const accounts = useQuery({ ...accountSearchQuery(searched), enabled: isText && isOperator });
  const ofAll = isOperator ? '/v1/subscriptions' : `${accountPath(account ?? '')}/subscriptions`;
  const webhooks = useQuery({
    queryKey: ['search', 'webhooks', ofAll, searched],
    queryFn: ({ signal }) =>
      call<Page<Subscription>>('GET', `${ofAll}${query({ q: searched, limit: MOST })}`, undefined, signal),
    enabled: isText && may('subscriptions:read') && (isOperator || account !== null),
  });

  const pages = [...(account === null ? [] : pagesOf(session, account)), ...pagesOf(session, null)]
    .filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()))
    .map(({ name, icon, to, params }): Command => {
      const path = to.replace('$account', encodeURIComponent(params.account));
      return { key: path, icon, text: name, path, ...(to !== path && { detail: <bdi>{params.account}</bdi> }) };
    });
  const isCurrent = searched === text;
  const object = isCurrent && lookup.data && mayOpen(lookup.data, may) ? [objectOf(lookup.data, isOperator)] : [];
  const found = (isCurrent && accounts.data?.data) || [];
  const urls = (isCurrent && webhooks.data?.data) || [];
  const groups = [
    { name: 'ID', commands: object },
    { name: 'Pages', commands: pages },
    { name: 'Accounts', commands: found.map(accountCommand) },
    { name: 'Webhooks', commands: urls.map((one) => webhookCommand(one, isOperator)) },
  ];
  const searches = [lookup, accounts, webhooks];
  return {
    groups: groups.filter(({ commands }) => commands.length > 0),
    isSearching: !isCurrent || searches.some(({ isLoading }) => isLoading),
    error: searches.find(({ error }) => error !== null)?.error ?? null,
  };
}

const accountCommand = ({ id, name }: Account): Command => ({
  key: `account ${id}`,
  icon: Users,
  text: <span className="mono">{id}</span>,
  ...(name !== null && { detail: <bdi>{name}</bdi> }),
  path: `/accounts/${encodeURIComponent(id)}/integrations`,
});

const webhookCommand = ({ id, accountId, url, description }: Subscription, isOperator: boolean): Command => ({
  key: id,
  icon: Webhook,
  text: (
    <>
      <Url url={url} />
      {description !== null && (
        <span className="small muted">
          {' '}
          <bdi>{description}</bdi>
        </span>
      )}
    </>
  ),
  ...(isOperator && { detail: <bdi>{accountId}</bdi> }),
  path: `/accounts/${encodeURIComponent(accountId)}/subscriptions/${id}`,
});

/** The fields that lead to the page of an object. */
const SCOPES: Record<Lookup['type'], string> = {
  subscription: 'subscriptions:read',
  verification: 'subscriptions:read',
  event: 'events:read',
  delivery: 'deliveries:read',
  attempt: 'deliveries:read',
  replay: 'deliveries:read',
  key: 'operator',
};
const mayOpen = ({ type }: Lookup, may: (scope: string) => boolean): boolean => may(SCOPES[type]);

function objectOf(found: Lookup, isOperator: boolean): Command {
  const { type, id, accountId } = found;
  const name = type === 'subscription' ? 'webhook' : type === 'key' ? 'API key' : type;
  return {
    key: id,
    icon: Hash,
    text: (
      <>
        Open {name} <span className="mono">{id}</span>
      </>
    ),
    ...(isOperator && { detail: accountId === null ? 'Many accounts' : <bdi>{accountId}</bdi> }),
    path: pathOf(found),
  };
}

/** The page of an object. An attempt is on the page of its delivery, or of its webhook if it belongs to a verification. */
function pathOf({ type, id, accountId, subscriptionId, deliveryId }: Lookup): string {
  if (accountId === null) return `/replays/${id}`; // an operator's replay has deliveries of many accounts
  const account = `/accounts/${encodeURIComponent(accountId)}`;
  const webhook =
    subscriptionId === undefined ? `${account}/integrations` : `${account}/subscriptions/${subscriptionId}`;
  switch (type) {
    case 'subscription':
      return `${account}/subscriptions/${id}`;
    case 'event':
      return `${account}/events/${id}`;
    case 'delivery':
      return `${account}/deliveries/${id}`;
    case 'attempt':
      return deliveryId === undefined ? webhook : `${account}/deliveries/${deliveryId}`;
    case 'replay':
      return `${account}/replays/${id}`;
    case 'key':
      return `${account}/keys`;
    case 'verification':
      return webhook;
    default:
      return type satisfies never;
  }
}
