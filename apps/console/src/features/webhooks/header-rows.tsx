import { MASK } from '@posthorn/contract';
import { Plus, Trash2 } from 'lucide-react';
import { useId, useRef } from 'react';
import { Button } from '../../components/button.js';
import './header-rows.css';

export interface HeaderRow {
  id: number;
  name: string;
  /** null: keep the stored value, which is never shown. */
  value: string | null;
}

let lastId = 0;
const newRow = (name = '', value: string | null = ''): HeaderRow => ({ id: (lastId += 1), name, value });

export const rowsOf = (headers: Record<string, string>): HeaderRow[] =>
  Object.keys(headers).map((name) => newRow(name, null));

/** The headers as the API expects them. Empty rows are left out. */
export const headersOf = (rows: HeaderRow[]): Record<string, string> =>
  Object.fromEntries(rows.filter(isFilled).map(({ name, value }) => [name.trim(), value ?? MASK]));

/** Errors by row ID, for problems that an object of headers cannot represent. */
export function faultsOf(rows: HeaderRow[]): Map<number, string> {
  const faults = new Map<number, string>();
  const seen = new Set<string>();
  for (const { id, name, value } of rows.filter(isFilled)) {
    const key = name.trim().toLowerCase();
    if (key === '') faults.set(id, 'Enter a name.');
    else if (seen.has(key)) faults.set(id, 'This header already exists. Names are not case-sensitive.');
    else if (value === '') faults.set(id, 'Enter a value.');
    seen.add(key);
  }
  return faults;
}

const isFilled = ({ name, value }: HeaderRow): boolean => name.trim() !== '' || value !== '';

/** The custom headers of a webhook, one row each with its error. */
export function HeaderRows({
  rows,
  dropsStored,
  onChange,
  errorOf,
}: {
  rows: HeaderRow[];
  /** The URL has another origin, so stored values are not sent to it. */
  dropsStored: boolean;
  onChange: (rows: HeaderRow[]) => void;
  errorOf: (row: HeaderRow) => string | undefined;
}) {
  const add = useRef<HTMLDivElement>(null);
  const set = (id: number, change: Partial<HeaderRow>) =>
    onChange(rows.map((row) => (row.id === id ? { ...row, ...change } : row)));
  return (
    <fieldset className="field">
      <legend className="label">Custom headers (optional)</legend>
      {rows.map((row) => (
        <Row
          key={row.id}
          row={row}
          dropsStored={dropsStored}
          error={errorOf(row)}
          onChange={(change) => set(row.id, change)}
          onRemove={() => {
            onChange(rows.filter(({ id }) => id !== row.id));
            add.current?.querySelector('button')?.focus();
          }}
        />
      ))}
      <div className="row" ref={add}>
        <Button onClick={() => onChange([...rows, newRow()])}>
          <Plus className="icon" aria-hidden />
          Add header
        </Button>
      </div>
      <p className="help">Sent with every request, such as an Authorization header. Values are stored encrypted.</p>
    </fieldset>
  );
}

function Row({
  row: { name, value },
  dropsStored,
  error,
  onChange,
  onRemove,
}: {
  row: HeaderRow;
  dropsStored: boolean;
  error: string | undefined;
  onChange: (change: Partial<HeaderRow>) => void;
  onRemove: () => void;
}) {
  const note = useId();
  const isNamed = name.trim() !== '';
  const of = { 'aria-invalid': error ? true : undefined, 'aria-describedby': error ? note : undefined };
  return (
    <div className="stack tight">
      <div className="header-row">
        <input
          {...of}
          className="input mono"
          aria-label="Header name"
          placeholder="authorization"
          autoComplete="off"
          value={name}
          // A stored value belongs to its name, so a new name clears it.
          onChange={({ target }) => onChange({ name: target.value, ...(value === null && { value: '' }) })}
        />
        <input
          {...of}
          className="input mono"
          aria-label={isNamed ? `Value of ${name.trim()}` : 'Header value'}
          data-stored={value === null ? '' : undefined}
          placeholder={placeholderOf(value, dropsStored)}
          autoComplete="off"
          value={value ?? ''}
          onChange={({ target }) => onChange({ value: target.value })}
        />
        <Button look="plain" label={isNamed ? `Remove ${name.trim()}` : 'Remove header'} onClick={onRemove}>
          <Trash2 className="icon" aria-hidden />
        </Button>
      </div>
      {error && (
        <p id={note} className="error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

function placeholderOf(value: string | null, dropsStored: boolean): string {
  if (value !== null) return 'Bearer …';
  return dropsStored ? 'Dropped. Enter the value again' : `${MASK} (stored; type to replace it)`;
}
