import { DELIVERY_WORDS, type Replay, REPLAYABLE_STATUSES } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { FilterBar, FilterChip } from '../../components/filter-bar.js';
import { PageHead, useTitle } from '../../components/page.js';
import { boundsOf, type Range } from '../../components/range.js';
import { RangeFilter } from '../../components/range-filter.js';
import { Select } from '../../components/select.js';
import { TextFilter } from '../../components/text-filter.js';
import { eventTypesQuery } from '../catalogue/queries.js';
import { LastAttemptFilters } from '../deliveries/last-attempt-filters.js';
import { useAccount } from '../session/session.js';
import { allSubscriptionsQuery } from '../webhooks/queries.js';
import { useSubscriptionId } from '../webhooks/subscription-id.js';
import { Preview } from './preview.js';

const tabRoute = getRouteApi('/accounts/$account/subscriptions/$subscription/replay');
const accountRoute = getRouteApi('/accounts/$account/replays/new');
const operatorsRoute = getRouteApi('/replays/new');

/** What to replay. A field that is '' or absent does not filter. */
export interface Wanted extends Range {
  which?: 'failed' | 'missed' | undefined;
  accounts?: string | undefined;
  subscription?: string | undefined;
  event?: string | undefined;
  eventType?: string | undefined;
  status?: string | undefined;
  outcome?: string | undefined;
  statusCode?: string | undefined;
  trigger?: string | undefined;
  replay?: string | undefined;
  q?: string | undefined;
}

/** For one webhook, on its tab. */
export function ReplayTab() {
  const account = useAccount();
  const subscription = useSubscriptionId();
  const navigate = tabRoute.useNavigate();
  return (
    <ReplayForm
      account={account}
      fixed={{ subscription }}
      initial={tabRoute.useSearch()}
      onStarted={(replay) =>
        void navigate({ to: '/accounts/$account/replays/$replay', params: { account, replay: replay.id } })
      }
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
        initial={accountRoute.useSearch()}
        onStarted={(replay) =>
          void navigate({ to: '/accounts/$account/replays/$replay', params: { account, replay: replay.id } })
        }
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
        initial={operatorsRoute.useSearch()}
        onStarted={(replay) => void navigate({ to: '/replays/$replay', params: { replay: replay.id } })}
      />
    </>
  );
}

function ReplayForm({
  account,
  fixed = {},
  initial,
  onStarted,
}: {
  account: string | null;
  /** The values that the screen sets, which the user cannot change. */
  fixed?: Wanted;
  initial: Wanted;
  onStarted: (replay: Replay) => void;
}) {
  const complete = (next: Wanted): Wanted =>
    needsRange(account, next) && !hasRange(next) ? { ...next, range: '24h' } : next;
  const [wanted, setWanted] = useState(complete({ which: 'failed', ...initial, ...fixed }));
  const set = (changes: Wanted) => setWanted(complete({ ...wanted, ...changes }));
  return (
    <div className="panel stack">
      <WhichField value={wanted.which} onChange={(which) => set({ which })} />
      <FilterBar label="What to replay">
        <TextFilter
          label="Search"
          placeholder="Search ids and payloads"
          value={wanted.q ?? ''}
          onChange={(q) => set({ q })}
        />
        {account === null && (
          <TextFilter label="Accounts" value={wanted.accounts ?? ''} onChange={(accounts) => set({ accounts })} />
        )}
        {account !== null && fixed.subscription === undefined && (
          <WebhookFilter
            account={account}
            value={wanted.subscription}
            onChange={(subscription) => set({ subscription })}
          />
        )}
        <TypeFilter value={wanted.eventType} onChange={(eventType) => set({ eventType })} />
        {wanted.which === 'failed' && (
          <>
            <Select label="Status" isRequired value={wanted.status ?? ''} onChange={(status) => set({ status })}>
              {
                [
                  ['', 'Failed or canceled'],
                  ...REPLAYABLE_STATUSES.map((one) => [one, DELIVERY_WORDS[one].label] as const),
                ] as [string, string][]
              }
            </Select>
            <LastAttemptFilters value={wanted} onChange={set} />
            {wanted.replay && <FilterChip onRemove={() => set({ replay: '' })}>One replay</FilterChip>}
          </>
        )}
        {wanted.event ? (
          <FilterChip onRemove={() => set({ event: '' })}>One event</FilterChip>
        ) : (
          <RangeFilter isRequired={needsRange(account, wanted)} value={wanted} onChange={set} />
        )}
      </FilterBar>
      {wanted.q && !/^(dlv|evt)_/i.test(wanted.q) && (
        <p className="muted small">
          A replay by text searches a few hundred payloads per second, oldest first, so it takes longer. The preview
          searches only the oldest payloads.
        </p>
      )}
      <Preview key={JSON.stringify(wanted)} account={account} body={bodyOf(wanted)} onStarted={onStarted} />
    </div>
  );
}

/** One event, or an earlier replay of the account, limits a replay enough. */
const needsRange = (account: string | null, { which, event, replay }: Wanted): boolean =>
  !event && (account === null || which === 'missed' || !replay);

const hasRange = ({ range, from, to }: Wanted): boolean => !!range || !!from || !!to;

const WHICH = [
  { id: 'failed', label: 'Failed and canceled deliveries', help: 'All attempts failed, or the webhook was disabled' },
  {
    id: 'missed',
    label: 'Missed events',
    help: 'Published while the webhook was disabled, not verified or not created yet',
  },
] as const;

function WhichField({ value, onChange }: { value: Wanted['which']; onChange: (which: 'failed' | 'missed') => void }) {
  return (
    <fieldset className="field">
      <legend className="label">What to replay</legend>
      {WHICH.map(({ id, label, help }) => (
        <label key={id} className="choice">
          <input type="radio" name="which" checked={value === id} onChange={() => onChange(id)} />
          <span>
            {label} <span className="muted small">{help}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

interface FilterProps {
  value: string | undefined;
  onChange: (value: string) => void;
}

function WebhookFilter({ account, ...filter }: FilterProps & { account: string }) {
  const webhooks = useQuery(allSubscriptionsQuery(account));
  return (
    <Select label="Webhook" {...filter}>
      {(webhooks.data?.data ?? []).map(({ id, url }) => [id, url])}
    </Select>
  );
}

function TypeFilter(filter: FilterProps) {
  const types = useQuery(eventTypesQuery);
  return (
    <Select label="Event type" {...filter}>
      {(types.data?.data ?? []).map(({ name }) => [name, name])}
    </Select>
  );
}

/** What the API expects. */
function bodyOf(wanted: Wanted): Record<string, unknown> {
  const { which, accounts, subscription, event, eventType, status, outcome, statusCode, trigger, replay, q } = wanted;
  const { from, to } = boundsOf(wanted);
  const isFailed = which === 'failed';
  const body = {
    which,
    accounts: listOf(accounts),
    subscriptions: listOf(subscription),
    eventTypes: listOf(eventType),
    event,
    statuses: isFailed ? replayable(listOf(status)) : [],
    outcomes: isFailed ? listOf(outcome) : [],
    statusCodes: isFailed ? listOf(statusCode) : [],
    triggers: isFailed ? listOf(trigger) : [],
    replay: isFailed ? replay : undefined,
    q,
    since: from,
    until: to,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value && value.length > 0));
}

const listOf = (text = ''): string[] => text.split(/[\s,]+/).filter((part) => part !== '');

/** A filter of the list of deliveries may also have statuses that need no replay. */
const replayable = (statuses: string[]): string[] =>
  statuses.filter((one) => (REPLAYABLE_STATUSES as readonly string[]).includes(one));
