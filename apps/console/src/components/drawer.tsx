import { X } from 'lucide-react';
import { type ReactNode, useRef } from 'react';
import { Button } from './button.js';
import { useModal } from './modal.js';
import './dialog.css';
import './drawer.css';

/** Details beside a list, on the right. Esc or a click outside closes it. */
export function Drawer({
  label,
  bar,
  onClose,
  children,
}: {
  label: string;
  /** Beside the button that closes it, always visible. */
  bar?: ReactNode;
  onClose: () => void;
  children: ReactNode;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  useModal(ref);
  return (
    // Keyboard users close it with Esc.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events
    <dialog
      ref={ref}
      className="drawer"
      aria-label={label}
      onClick={({ target }) => {
        if (target === ref.current) onClose();
      }}
      onCancel={(event) => {
        event.preventDefault();
        // Ignores the event of a dialog inside it, because React lets it bubble.
        if (event.target === event.currentTarget) onClose();
      }}
    >
      <div className="drawer-bar">
        {bar}
        <Button look="plain" label="Close" onClick={onClose}>
          <X className="icon" aria-hidden />
        </Button>
      </div>
      <div className="drawer-body">{children}</div>
    </dialog>
  );
}
