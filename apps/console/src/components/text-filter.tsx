import { type FormEvent, useState } from 'react';
import './field.css';

/** A filter by a typed text. It applies on Enter and when the input loses the focus. */
export function TextFilter({
  label,
  placeholder = `${label}: any`,
  pattern,
  hint,
  value = '',
  onChange,
}: {
  label: string;
  placeholder?: string;
  /** What a text has to match before it holds. */
  pattern?: string;
  /** What the pattern requires, shown while the text does not match it. */
  hint?: string;
  value: string | undefined;
  onChange: (value: string) => void;
}) {
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
        value={text}
        onChange={({ target }) => setTyped({ of: value, text: target.value })}
        onBlur={() => apply()}
      />
      {hint !== undefined && !isValid && (
        <p className="small muted" role="status">
          {hint}
        </p>
      )}
    </form>
  );
}
