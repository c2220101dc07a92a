import { MASK } from '@posthorn/contract';
import { Plus, Trash2 } from 'lucide-react';
import { type ReactNode, useId, useRef } from 'react';
import { type FieldValues, useController, type UseFormReturn } from 'react-hook-form';
import * as z from 'zod';
import { Button } from '../../components/button.js';
import { errorOf } from '../../components/form.js';
import './header-rows.css';

const HeaderRow = z.object({
  id: z.number(),
  name: z.string(),
  /** null: keep the stored value, which is never shown. */
  value: z.string().nullable(),
});
export type HeaderRow = z.infer<typeof HeaderRow>;

/** The field `headers` of a form, one row each, since an object cannot represent a row that is not complete yet. */
export const headerRows = z.array(HeaderRow).superRefine((rows, context) => {
  for (const [index, message] of faultsOf(rows)) context.addIssue({ code: 'custom', path: [index], message });
});

let lastId = 0;
const newRow = (name = '', value: string | null = ''): HeaderRow => ({ id: (lastId += 1), name, value });

export const rowsOf = (headers: Record<string, string>): HeaderRow[] =>
  Object.keys(headers).map((name) => newRow(name, null));

/** The headers as the API expects them. Empty rows are left out. */
export const headersOf = (rows: HeaderRow[]): Record<string, string> =>
  Object.fromEntries(rows.filter(isFilled).map(({ name, value }) => [name.trim(), value ?? MASK]));

/** What is wrong with the rows, by index. */
function faultsOf(rows: HeaderRow[]): Map<number, string> {
  const faults = new Map<number, string>();
  const seen = new Set<string>();
  for (const [index, row] of rows.entries()) {
    if (!isFilled(row)) continue;
    const key = row.name.trim().toLowerCase();
    if (key === '') faults.set(index, 'Enter a name.');
    else if (seen.has(key)) faults.set(index, 'This header already exists. Names are not case-sensitive.');
    else if (row.value === '') faults.set(index, 'Enter a value.');
    seen.add(key);
  }
  return faults;
}

/** Where the form shows a problem that the API found: `headers.x-team` is in the row with that name, and an input of the
 *  authentication has its own. */
export function placeOfProblem(path: string, rows: HeaderRow[]): string {
  if (path.startsWith('authentication.')) return path === 'authentication.type' ? 'authentication.kind' : path;
  const index = rows.findIndex(({ name }) => path === `headers.${name.trim()}`);
  return index === -1 ? (path.split(/[.[]/)[0] ?? '') : `headers.${index}`;
}

const isFilled = ({ name, value }: HeaderRow): boolean => name.trim() !== '' || value !== '';

/** The custom headers of a webhook, one row each with its error. */
export function HeadersField<I extends FieldValues & { headers: HeaderRow[] }, O>({
  form: anyForm,
  dropsStored = false,
  note,
}: {
  form: UseFormReturn<I, unknown, O>;
  /** The URL has another origin, so stored values are not sent to it. */
  dropsStored?: boolean;
  /** Shown above the rows. */
  note?: ReactNode;
}) {
  // Only this field is used, whatever else the form has.
  const form = anyForm as unknown as UseFormReturn<{ headers: HeaderRow[] }>;
  const {
    field: { value: rows, onChange },
  } = useController({ control: form.control, name: 'headers' });
  const add = useRef<HTMLDivElement>(null);
  const problem = errorOf(form, 'headers');
  const change = (index: number, changes: Partial<HeaderRow>) => {
    onChange(rows.with(index, { ...(rows[index] ?? newRow()), ...changes }));
    form.clearErrors(`headers.${index}`);
  };
  const remove = (index: number) => {
    onChange(rows.toSpliced(index, 1));
    form.clearErrors('headers');
    add.current?.querySelector('button')?.focus();
  };
  return (
    <div className="stack">
      {note}
      <fieldset className="field">
        <legend className="label">Custom headers (optional)</legend>
        {rows.map((row, index) => (
          <Row
            key={row.id}
            row={row}
            dropsStored={dropsStored}
            error={errorOf(form, `headers.${index}`)}
            onChange={(changes) => change(index, changes)}
            onRemove={() => remove(index)}
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
      {problem !== undefined && (
        <p className="error" role="alert">
          {problem}
        </p>
      )}
    </div>
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
