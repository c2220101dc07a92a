import { type InputHTMLAttributes, type ReactNode, type RefCallback, useEffect, useId, useRef } from 'react';
import './field.css';

interface Props extends Omit<InputHTMLAttributes<HTMLInputElement>, 'id'> {
  label: string;
  state?: ReactNode;
  help?: ReactNode;
  /** Replaces the help. The input gets the focus when an error appears. */
  error?: string | null | undefined;
  ref?: RefCallback<HTMLInputElement>;
}

/** An input with a label and help text. An error replaces the help. */
export function Field({ label, state, help, error, ref: outerRef, ...input }: Props) {
  const id = useId();
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (error) ref.current?.focus();
  }, [error]);
  const note = error || help ? `${id}-note` : undefined;
  return (
    <div className="field">
      <div className="row spread">
        <label htmlFor={id}>{label}</label>
        <span aria-live="polite">{state}</span>
      </div>
      <input
        {...input}
        ref={(element) => {
          ref.current = element;
          outerRef?.(element);
        }}
        id={id}
        className={`input ${input.className ?? ''}`}
        aria-invalid={error ? true : undefined}
        aria-describedby={note}
      />
      {error ? (
        <p id={note} className="error" role="alert">
          {error}
        </p>
      ) : (
        help && (
          <p id={note} className="help">
            {help}
          </p>
        )
      )}
    </div>
  );
}
