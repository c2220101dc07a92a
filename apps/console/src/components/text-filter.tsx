import { type FormEvent, useState } from 'react';
import './field.css';

/** A filter by a typed text. It applies on Enter and when the input loses the focus. */
export function TextFilter({
  label,
  value = '',
  onChange,
}: {
  label: string;
  value: string | undefined;
  onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useState({ of: value, text: value });
  const text = typed.of === value ? typed.text : value;
  const apply = (event?: FormEvent) => {
    event?.preventDefault();
    if (text.trim() !== value) onChange(text.trim());
  };
  return (
    <form onSubmit={apply}>
      <input
        className="input"
        aria-label={label}
        placeholder={`${label}: any`}
        value={text}
        onChange={({ target }) => setTyped({ of: value, text: target.value })}
        onBlur={() => apply()}
      />
    </form>
  );
}
