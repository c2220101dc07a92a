import { Clock } from 'lucide-react';
import { useId, useState } from 'react';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { localZone, setTimeDisplay, useTimeDisplay, zoneName } from './zone.js';

/** How times are shown, on every page: the zone, and whether they are exact. */
export function TimeMenu({ look }: { look?: 'plain' }) {
  const { zone } = useTimeDisplay();
  const [isOpen, setIsOpen] = useState(false);
  const name = zone === 'local' ? 'Local time' : zone;
  return (
    <>
      <Button {...(look && { look })} title={`Times are shown in: ${zoneName(zone)}`} onClick={() => setIsOpen(true)}>
        <Clock className="icon" aria-hidden />
        <span className="visually-hidden">Time zone: </span>
        {name}
      </Button>
      {isOpen && <TimeDialog onClose={() => setIsOpen(false)} />}
    </>
  );
}

function TimeDialog({ onClose }: { onClose: () => void }) {
  const { zone, isExact } = useTimeDisplay();
  const id = useId();
  return (
    <Dialog
      title="Times"
      onClose={onClose}
      foot={
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <div className="field">
        <label htmlFor={id}>Time zone</label>
        <select
          id={id}
          className="input"
          value={zone}
          onChange={({ target }) => setTimeDisplay({ zone: target.value })}
        >
          <option value="local">{zoneName('local')}</option>
          <option value="UTC">UTC</option>
          <optgroup label="Other zones">
            {otherZones().map((one) => (
              <option key={one}>{one}</option>
            ))}
          </optgroup>
        </select>
        <p className="help">Applies to all times on all pages. Saved in this browser.</p>
      </div>
      <label className="choice">
        <input
          type="checkbox"
          checked={isExact}
          onChange={({ target }) => setTimeDisplay({ isExact: target.checked })}
        />
        <span>
          Exact times{' '}
          <span className="muted small">to the second, instead of “2 hr. ago”. A click on a time does the same.</span>
        </span>
      </label>
    </Dialog>
  );
}

const otherZones = (): string[] =>
  Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC' && zone !== localZone());
