import { DELIVERY_WORDS, type Replay, REPLAYABLE_STATUSES } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { FilterBar, FilterChip } from '../../components/filter-bar.js';
import { withFilters } from '../../components/filters.js';
import { BEGINNING } from '../../components/range.js';
import { RangeFilter } from '../../components/range-filter.js';
import { SearchFilter } from '../../components/search-filter.js';
import { Select } from '../../components/select.js';
import { TextFilter } from '../../components/text-filter.js';
import { eventTypesQuery } from '../../queries/catalogue.js';
import { AccountFilter } from '../accounts/account-filter.js';
import { LastAttemptFilters } from '../deliveries/last-attempt-filters.js';
import { ReplayFilter } from '../deliveries/replay-filter.js';
import { WebhookFilter } from '../deliveries/webhook-filter.js';
import { Preview } from './preview.js';
import { bodyOf, type ReplaySearch } from './replay-body.js';

/** Chooses what to replay. The choice lives in the address, like the filters of a list. */
export function ReplayForm({
  account,
  fixed = {},
  search,
  onSearch,
  onStarted,
}: {
  /** null: all accounts, or some. */
  account: string | null;
  /** The values that the screen sets, which the user cannot change. */
  fixed?: ReplaySearch;
  search: ReplaySearch;
  onSearch: (search: ReplaySearch) => void;
  onStarted: (replay: Replay) => void;
}) {
  const chosen: ReplaySearch = { which: 'failed', ...search, ...fixed };
  const isRangeRequired = needsRange(account, chosen);
  const wanted = isRangeRequired ? withStart(chosen) : chosen;
  const set = (changes: ReplaySearch) => onSearch(withFilters(search, changes));
  return (
    <div className="panel stack">
      <WhichField value={wanted.which} onChange={(which) => set({ which })} />
      <FilterBar label="What to replay">
        <SearchFilter
          ids={wanted.which === 'missed' ? 'evt_…' : 'dlv_…, evt_…'}
          value={wanted.q}
          onChange={(q) => set({ q })}
        />
        {account === null && (
          <>
            <AccountFilter label="Accounts" value={wanted.accounts} onChange={(accounts) => set({ accounts })} />
            <TextFilter
              label="Webhooks"
              placeholder="Webhooks: any, or sub_…"
              value={wanted.subscription}
              onChange={(subscription) => set({ subscription })}
            />
          </>
        )}
        {account !== null && fixed.subscription === undefined && (
          <WebhookFilter
            account={account}
            value={wanted.subscription}
            onChange={(subscription) => set({ subscription })}
          />
        )}
        <TypeFilter value={wanted.eventType} onChange={(eventType) => set({ eventType })} />
        {wanted.which === 'failed' && <FailedFilters account={account} value={wanted} onChange={set} />}
        {wanted.event ? (
          <FilterChip onRemove={() => set({ event: '' })}>One event</FilterChip>
        ) : (
          <RangeFilter isRequired={isRangeRequired} hasAll={isRangeRequired} value={wanted} onChange={set} />
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
const needsRange = (account: string | null, { which, event, replay }: ReplaySearch): boolean =>
  !event && (account === null || which === 'missed' || !replay);

/** Adds the start of the range, if it has none. */
function withStart(chosen: ReplaySearch): ReplaySearch {
  if (chosen.range || chosen.from) return chosen;
  return chosen.to ? { ...chosen, from: BEGINNING } : { ...chosen, range: '24h' };
}

const WHICH = [
  { id: 'failed', label: 'Failed and canceled deliveries', help: 'All attempts failed, or the webhook was disabled' },
  {
    id: 'missed',
    label: 'Missed events',
    help: 'Published while the webhook was disabled, not verified or not created yet',
  },
] as const;

function WhichField({
  value,
  onChange,
}: {
  value: ReplaySearch['which'];
  onChange: (which: 'failed' | 'missed') => void;
}) {
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

/** Filters that only deliveries have. */
function FailedFilters({
  account,
  value,
  onChange,
}: {
  account: string | null;
  value: ReplaySearch;
  onChange: (changes: ReplaySearch) => void;
}) {
  return (
    <>
      <Select label="Status" isRequired value={value.status ?? ''} onChange={(status) => onChange({ status })}>
        {
          [
            ['', 'Failed or canceled'],
            ...REPLAYABLE_STATUSES.map((one) => [one, DELIVERY_WORDS[one].label] as const),
          ] as [string, string][]
        }
      </Select>
      <LastAttemptFilters value={value} onChange={onChange} />
      {account !== null && value.replay && (
        <ReplayFilter account={account} value={value.replay} onChange={(replay) => onChange({ replay })} />
      )}
    </>
  );
}

function TypeFilter(filter: { value: string | undefined; onChange: (value: string) => void }) {
  const types = useQuery(eventTypesQuery);
  return (
    <Select label="Event type" {...filter}>
      {(types.data?.data ?? []).map(({ name }) => [name, name])}
    </Select>
  );
}
