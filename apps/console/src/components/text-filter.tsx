import { type FormEvent, useId, useState } from 'react';
import './field.css';

/** A text that the browser offers while one types. */
export interface Suggestion {
  value: string;
  /** Shown beside the value. */
  label?: string;
}

/** A filter by a typed text. It applies on Enter and when the input loses the focus. */
export function TextFilter({
  label,
  placeholder = `${label}: any`,
  pattern,
  hint,
  suggestions,
  value = '',
  onType,
  onChange,
}: {
  label: string;
  placeholder?: string;
  /** What a text has to match before it holds. */
  pattern?: string;
  /** What the pattern requires, shown while the text does not match it. */
  hint?: string;
  /** Default: none, and the input is a plain text input. */
  suggestions?: Suggestion[];
  value: string | undefined;
  /** Called on every change, before the text applies. */
  onType?: (text: string) => void;
  onChange: (value: string) => void;
}) {
  const listId = useId();
  const [typed, setTyped] = useState({ of: value, text: value });
  const text = typed.of === value ? typed.text : value;
  const isValid = pattern === undefined || new RegExp(`^(${pattern})?$`).test(text.trim());
  const apply = (event?: FormEvent) => {
    event?.preventDefault();
    if (isValid && text.trim() !== value) onChange(text.trim());
  };
  return (
    <form onSubmit={apply}>
      <input
        className="input"
        aria-label={label}
        placeholder={placeholder}
        {...(pattern !== undefined && { pattern })}
        {...(suggestions && { list: listId, autoComplete: 'off' })}
        value={text}
        onChange={({ target }) => {
          setTyped({ of: value, text: target.value });
          onType?.(target.value);
        }}
        onBlur={() => apply()}
      />
      {suggestions && (
        <datalist id={listId}>
          {suggestions.map((one) => (
            <option key={one.value} {...one} />
          ))}
        </datalist>
      )}
      {hint !== undefined && !isValid && (
        <p className="small muted" role="status">
          {hint}
        </p>
      )}
    </form>
  );
}
