import { type RefCallback, type TextareaHTMLAttributes, useId } from 'react';
import './field.css';

interface Props extends Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'id'> {
  label: string;
  help: string;
  /** Replaces the help. */
  error?: string | null | undefined;
  ref?: RefCallback<HTMLTextAreaElement>;
}

/** A multi-line input with a label and help text. An error replaces the help. */
export function TextArea({ label, help, error, ...textarea }: Props) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea
        {...textarea}
        id={id}
        className={`input ${textarea.className ?? ''}`}
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-note`}
      />
      <p id={`${id}-note`} className={error ? 'error' : 'help'} role={error ? 'alert' : undefined}>
        {error ?? help}
      </p>
    </div>
  );
}
