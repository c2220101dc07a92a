import { type FormEvent, useState } from 'react';
import './field.css';

/** A filter by a typed text. It applies on Enter and when the input loses the focus. */
export function TextFilter({
  label,
  placeholder = `${label}: any`,
  pattern,
  value = '',
  onChange,
}: {
  label: string;
  placeholder?: string;
  /** What a text has to match before it holds. */
  pattern?: string;
  value: string | undefined;
  onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useState({ of: value, text: value });
  const text = typed.of === value ? typed.text : value;
  const apply = (event?: FormEvent) => {
    event?.preventDefault();
    const isValid = pattern === undefined || new RegExp(`^(${pattern})?$`).test(text.trim());
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
    </form>
  );
}
