import { X } from 'lucide-react';
import { type ReactNode, useId, useRef } from 'react';
import { Button } from './button.js';
import { useModal } from './modal.js';
import './dialog.css';

/** A modal dialog. Esc closes it. */
export function Dialog({
  title,
  isWide = false,
  onClose,
  children,
  foot,
}: {
  title: string;
  isWide?: boolean;
  onClose: () => void;
  children: ReactNode;
  foot?: ReactNode;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useModal(ref);
  return (
    <dialog
      ref={ref}
      className={isWide ? 'wide' : undefined}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        // Ignores the event of a dialog inside it, because React lets it bubble.
        if (event.target === event.currentTarget) onClose();
      }}
    >
      <div className="dialog-head">
        <h2 id={id}>{title}</h2>
        <Button look="plain" label="Close" onClick={onClose}>
          <X className="icon" aria-hidden />
        </Button>
      </div>
      <div className="dialog-body stack">{children}</div>
      {foot && <div className="dialog-foot">{foot}</div>}
    </dialog>
  );
}
