import { ATTEMPT_OUTCOMES, ATTEMPT_TRIGGERS, DELIVERY_WORDS, TRIGGER_WORDS } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { SlidersHorizontal } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Button } from '../../components/button.js';
import { FilterBar, FilterChip } from '../../components/filter-bar.js';
import { RangeFilter } from '../../components/range-filter.js';
import { Select } from '../../components/select.js';
import { TextFilter } from '../../components/text-filter.js';
import type { DeliverySearch } from '../../search.js';
import { eventTypesQuery } from '../catalogue/queries.js';
import { WebhookFilter } from '../webhooks/webhook-filter.js';

type Value = DeliverySearch & { subscription?: string | undefined };

/** Filters that are needed less often, behind a button until one of them is set. */
const FURTHER = ['outcome', 'statusCode', 'trigger'] as const;

const STATUS_CODES: [string, string][] = [
  ['2xx', '2xx: success'],
  ['3xx', '3xx: redirect'],
  ['4xx', '4xx: client error'],
  ['5xx', '5xx: server error'],
];

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
      <TextFilter
        label="Search"
        placeholder="Search ids and payloads"
        value={value.q}
        onChange={(q) => onChange({ q })}
      />
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
      {isShown && <FurtherFilters value={value} onChange={onChange} />}
      {value.event !== undefined && <FilterChip onRemove={() => onChange({ event: '' })}>One event</FilterChip>}
      {value.replay !== undefined && <FilterChip onRemove={() => onChange({ replay: '' })}>One replay</FilterChip>}
    </FilterBar>
  );
}

function FurtherFilters({ value, onChange }: { value: Value; onChange: (changes: Partial<Value>) => void }) {
  const { statusCode } = value;
  const isExact = statusCode !== undefined && !STATUS_CODES.some(([code]) => code === statusCode);
  return (
    <>
      <Select label="Outcome" value={value.outcome} onChange={(outcome) => onChange({ outcome })}>
        {ATTEMPT_OUTCOMES.map((outcome) => [outcome, outcome.replaceAll('_', ' ')])}
      </Select>
      <Select label="HTTP status" value={statusCode} onChange={(code) => onChange({ statusCode: code })}>
        {isExact ? [[statusCode, statusCode], ...STATUS_CODES] : STATUS_CODES}
      </Select>
      <TextFilter
        label="Exact HTTP status"
        placeholder="or exactly, e.g. 503"
        pattern="[1-9][0-9]{2}"
        value={isExact ? statusCode : ''}
        onChange={(code) => onChange({ statusCode: code })}
      />
      <Select label="Last attempt" value={value.trigger} onChange={(trigger) => onChange({ trigger })}>
        {ATTEMPT_TRIGGERS.map((trigger) => [trigger, TRIGGER_WORDS[trigger]])}
      </Select>
    </>
  );
}
