import { DELIVERY_WORDS } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { SlidersHorizontal } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Button } from '../../components/button.js';
import { FilterBar, FilterChip } from '../../components/filter-bar.js';
import { RangeFilter } from '../../components/range-filter.js';
import { SearchFilter } from '../../components/search-filter.js';
import { Select } from '../../components/select.js';
import type { DeliverySearch } from '../../search.js';
import { eventTypesQuery } from '../../queries/catalogue.js';
import { WebhookFilter } from './webhook-filter.js';
import { LastAttemptFilters } from './last-attempt-filters.js';
import { ReplayFilter } from './replay-filter.js';

type Value = DeliverySearch & { subscription?: string | undefined };

/** Filters that are needed less often, behind a button until one of them is set. */
const FURTHER = ['outcome', 'statusCode', 'trigger', 'replay'] as const;

/** The filters of a list of deliveries. */
export function DeliveryFilterBar({
  account,
  value,
  isOfOne,
  onChange,
  onClear,
  end,
}: {
  account: string;
  value: Value;
  /** All deliveries are of one webhook. */
  isOfOne: boolean;
  onChange: (changes: Partial<Value>) => void;
  onClear: (() => void) | undefined;
  end: ReactNode;
}) {
  const types = useQuery(eventTypesQuery);
  const [isOpen, setIsOpen] = useState(false);
  const count = FURTHER.filter((name) => value[name] !== undefined).length;
  const isShown = isOpen || count > 0;
  return (
    <FilterBar label="Deliveries" onClear={onClear} end={end}>
      <SearchFilter ids="dlv_…, evt_…" value={value.q} onChange={(q) => onChange({ q })} />
      <Select label="Status" value={value.status} onChange={(status) => onChange({ status })}>
        {Object.entries(DELIVERY_WORDS).map(([status, { label }]) => [status, label])}
      </Select>
      <Select label="Event type" value={value.eventType} onChange={(eventType) => onChange({ eventType })}>
        {(types.data?.data ?? []).map(({ name }) => [name, name])}
      </Select>
      {!isOfOne && (
        <WebhookFilter
          account={account}
          value={value.subscription}
          onChange={(subscription) => onChange({ subscription })}
        />
      )}
      <RangeFilter value={value} onChange={onChange} />
      <Button aria-expanded={isShown} disabled={count > 0} onClick={() => setIsOpen(!isOpen)}>
        <SlidersHorizontal className="icon" aria-hidden />
        More filters
      </Button>
      {isShown && (
        <>
          <LastAttemptFilters value={value} onChange={onChange} />
          <ReplayFilter account={account} value={value.replay} onChange={(replay) => onChange({ replay })} />
        </>
      )}
      {value.event !== undefined && <FilterChip onRemove={() => onChange({ event: '' })}>One event</FilterChip>}
    </FilterBar>
  );
}
