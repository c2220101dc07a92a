import * as DropdownMenu from '@radix-ui/react-dropdown-menu';
import { EllipsisVertical } from 'lucide-react';

export interface MenuItem {
  label: string;
  onSelect: () => void;
  isDangerous?: boolean;
}

/** The further acts of a row or a screen. */
export function Menu({ label, items }: { label: string; items: MenuItem[] }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button plain square" aria-label={label} title={label}>
        <EllipsisVertical className="icon" aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4} collisionPadding={8}>
          {items.map(({ label: name, onSelect, isDangerous }) => (
            <DropdownMenu.Item key={name} className={isDangerous ? 'danger' : ''} onSelect={onSelect}>
              {name}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
