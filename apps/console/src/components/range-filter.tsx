import { type Range, RANGES, since } from './range.js';
import { Button } from './button.js';
import { Select } from './select.js';
import { setZone, useZone, type Zone } from './zone.js';
import './field.css';
import './filter-bar.css';

const CUSTOM = 'custom';

/** Chooses a time range: one that moves with the time (the last 24 hours), or fixed bounds. */
export function RangeFilter({
  value,
  onChange,
  isRequired = false,
}: {
  value: Range;
  onChange: (value: { range: string; from: string; to: string }) => void;
  /** Hides the choice "any". */
  isRequired?: boolean;
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
        {[...RANGES.map(({ id, label }) => [id, label] as const), [CUSTOM, 'Custom range'] as const]}
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
        </>
      )}
      <ZoneSwitch />
    </>
  );
}

/** Switches between the viewer's time zone and UTC. */
function ZoneSwitch() {
  const isUtc = useZone() === 'UTC';
  return (
    <Button
      aria-pressed={isUtc}
      title={isUtc ? 'Times are in UTC' : 'Times are in your time zone'}
      onClick={() => setZone(isUtc ? 'own' : 'UTC')}
    >
      UTC
    </Button>
  );
}

function MomentInput({
  label,
  zone,
  value,
  onChange,
}: {
  label: string;
  zone: Zone;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <label className="row small">
      {label}
      <input
        type="datetime-local"
        className="input"
        value={toInput(value, zone)}
        onChange={({ target }) => onChange(fromInput(target.value, zone))}
      />
    </label>
  );
}

const MINUTE_MS = 60_000;

/** The format of the input: without a zone, to the minute. */
function toInput(at: string, zone: Zone): string {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return '';
  const offsetMs = zone === 'UTC' ? 0 : new Date(ms).getTimezoneOffset() * MINUTE_MS;
  return new Date(ms - offsetMs).toISOString().slice(0, 16);
}

function fromInput(text: string, zone: Zone): string {
  const ms = Date.parse(zone === 'UTC' ? `${text}Z` : text);
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString();
}
