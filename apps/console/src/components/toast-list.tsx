import * as Toast from '@radix-ui/react-toast';
import { X } from 'lucide-react';
import { Button } from './button.js';
import type { Message } from './toasts.js';

/** The toasts. A file of its own, because its library is too large for the first load. */
export function ToastList({ messages, onDrop }: { messages: Message[]; onDrop: (id: number) => void }) {
  return (
    <Toast.Provider duration={8_000} label="Message">
      {messages.map(({ id, text, actions }) => (
        <Toast.Root key={id} className="toast" onOpenChange={(isOpen) => !isOpen && onDrop(id)}>
          <Toast.Description className="grow">{text}</Toast.Description>
          {actions.map(({ label, onClick }) => (
            <Toast.Action key={label} asChild altText={label}>
              <Button size="tiny" onClick={onClick}>
                {label}
              </Button>
            </Toast.Action>
          ))}
          <Toast.Close asChild>
            <Button look="plain" size="tiny" label="Dismiss">
              <X className="icon" aria-hidden />
            </Button>
          </Toast.Close>
        </Toast.Root>
      ))}
      <Toast.Viewport className="toasts" label="Messages ({hotkey})" />
    </Toast.Provider>
  );
}
