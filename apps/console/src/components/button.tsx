import { LoaderCircle } from 'lucide-react';
import type { ButtonHTMLAttributes, ReactNode } from 'react';
import './button.css';

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: 'primary' | 'danger' | 'plain' | undefined;
  size?: 'tiny';
  /** Its action is in progress: it keeps the focus and ignores clicks. */
  isPending?: boolean;
  /** The name of a button that shows only an icon. */
  label?: string;
  children: ReactNode;
}

export function Button({ look, size, isPending = false, label, children, onClick, ...rest }: Props) {
  const names = ['button', look, size, label !== undefined && 'square'].filter(Boolean).join(' ');
  return (
    <button
      type="button"
      {...rest}
      className={names}
      aria-label={label}
      title={label}
      aria-disabled={isPending || undefined}
      aria-busy={isPending || undefined}
      onClick={isPending ? (event) => event.preventDefault() : onClick}
    >
      {isPending && <LoaderCircle className="icon" aria-hidden />}
      {children}
    </button>
  );
}
