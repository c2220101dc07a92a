import { ALL, type Range, RANGES, since } from './range.js';
import { Select } from './select.js';
import { TimeMenu } from './time-menu.js';
import { clockTime, momentOf, useZone } from './zone.js';
import './field.css';
import './filter-bar.css';

const CUSTOM = 'custom';

/** Chooses a time range: one that moves with the time (the last 24 hours), or fixed bounds. */
export function RangeFilter({
  value,
  onChange,
  isRequired = false,
  hasAll = false,
}: {
  value: Range;
  onChange: (value: { range: string; from: string; to: string }) => void;
  /** Hides the choice "any". */
  isRequired?: boolean;
  /** Offers all time, as a range. */
  hasAll?: boolean;
}) {
  const { range = '', from = '', to = '' } = value;
  const zone = useZone();
  const isCustom = from !== '' || to !== '';
  return (
    <>
      <Select
        label="Time"
        isRequired={isRequired}
        value={isCustom ? CUSTOM : range}
        onChange={(next) =>
          onChange(
            next === CUSTOM
              ? { range: '', from: since(range === '' ? '24h' : range) ?? '', to: '' }
              : { range: next, from: '', to: '' },
          )
        }
      >
        {[
          ...[...RANGES, ...(hasAll ? [ALL] : [])].map(({ id, label }) => [id, label] as const),
          [CUSTOM, 'Custom range'] as const,
        ]}
      </Select>
      {isCustom && (
        <>
          <MomentInput
            label="From"
            zone={zone}
            value={from}
            onChange={(next) => onChange({ range: '', from: next, to })}
          />
          <MomentInput label="To" zone={zone} value={to} onChange={(next) => onChange({ range: '', from, to: next })} />
          <TimeMenu />
        </>
      )}
    </>
  );
}

function MomentInput({
  label,
  zone,
  value,
  onChange,
}: {
  label: string;
  zone: string;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <label className="row small">
      {label}
      <input
        type="datetime-local"
        className="input"
        value={clockTime(value, zone)}
        onChange={({ target }) => onChange(momentOf(target.value, zone))}
      />
    </label>
  );
}
