import * as DropdownMenu from '@radix-ui/react-dropdown-menu';
import { EllipsisVertical } from 'lucide-react';
import { useRef } from 'react';

export interface MenuItem {
  label: string;
  onSelect: () => void;
  isDangerous?: boolean;
}

/** The further acts of a row or a screen. */
export function Menu({ label, items }: { label: string; items: MenuItem[] }) {
  const trigger = useRef<HTMLButtonElement>(null);
  const chosen = useRef<() => void>(undefined);
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger ref={trigger} className="button plain square" aria-label={label} title={label}>
        <EllipsisVertical className="icon" aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className="menu"
          align="end"
          sideOffset={4}
          collisionPadding={8}
          onCloseAutoFocus={() => {
            // The act comes after: a dialog that it opens gives the focus back to what has it now.
            trigger.current?.focus();
            chosen.current?.();
            chosen.current = undefined;
          }}
        >
          {items.map(({ label: name, onSelect, isDangerous }) => (
            <DropdownMenu.Item
              key={name}
              className={isDangerous ? 'danger' : ''}
              onSelect={() => {
                chosen.current = onSelect;
              }}
            >
              {name}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
