import { ATTEMPT_OUTCOMES, ATTEMPT_TRIGGERS, OUTCOME_WORDS, TRIGGER_WORDS } from '@posthorn/contract';
import { Select } from '../../components/select.js';
import { TextFilter } from '../../components/text-filter.js';

interface Value {
  outcome?: string | undefined;
  statusCode?: string | undefined;
  trigger?: string | undefined;
}

const STATUS_CODES: [string, string][] = [
  ['2xx', '2xx: success'],
  ['3xx', '3xx: redirect'],
  ['4xx', '4xx: client error'],
  ['5xx', '5xx: server error'],
];

/** Filters by how the last attempt ended, for a list of deliveries and for a replay of them. */
export function LastAttemptFilters({ value, onChange }: { value: Value; onChange: (changes: Value) => void }) {
  const { statusCode } = value;
  const isExact = !!statusCode && !STATUS_CODES.some(([code]) => code === statusCode);
  return (
    <>
      <Select label="Outcome" value={value.outcome} onChange={(outcome) => onChange({ outcome })}>
        {ATTEMPT_OUTCOMES.map((outcome) => [outcome, OUTCOME_WORDS[outcome]])}
      </Select>
      <Select label="HTTP status" value={statusCode} onChange={(code) => onChange({ statusCode: code })}>
        {STATUS_CODES}
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
