import * as DropdownMenu from '@radix-ui/react-dropdown-menu';
import { ChevronDown, type LucideIcon } from 'lucide-react';
import { type KeyboardEvent, type PointerEvent, type ReactNode, type RefObject, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import './menu.css';

export interface MenuItem {
  label: string;
  onSelect: () => void;
  isDangerous?: boolean;
}

const OPENING_KEYS = new Set(['Enter', ' ', 'ArrowDown']);

/** The further actions of a row or a screen. A list has a hundred menus, of which few are opened, so the menu itself is rendered at
 *  its first use. The event that opened it is then dispatched again to the menu's own button. */
export function Menu({ label, items }: { label: string; items: MenuItem[] }) {
  const [isUsed, setIsUsed] = useState(false);
  const trigger = useRef<HTMLButtonElement>(null);
  const button = {
    ref: trigger,
    className: 'button plain square dots',
    'aria-label': label,
    title: label,
  };
  if (isUsed) return <UsedMenu trigger={trigger} button={button} items={items} />;
  function use(event: PointerEvent | KeyboardEvent): void {
    const { nativeEvent } = event;
    flushSync(() => setIsUsed(true));
    trigger.current?.focus();
    const again = new (nativeEvent.constructor as typeof Event)(nativeEvent.type, nativeEvent);
    if (trigger.current?.dispatchEvent(again) === false) event.preventDefault();
  }
  return (
    <button
      {...button}
      type="button"
      aria-haspopup="menu"
      aria-expanded={false}
      onPointerDown={use}
      onKeyDown={(event) => {
        if (OPENING_KEYS.has(event.key)) use(event);
      }}
    />
  );
}

function UsedMenu({
  trigger,
  button,
  items,
}: {
  trigger: RefObject<HTMLButtonElement | null>;
  button: DropdownMenu.DropdownMenuTriggerProps;
  items: MenuItem[];
}) {
  return (
    <Opened trigger={trigger} items={items}>
      <DropdownMenu.Trigger {...button} />
    </Opened>
  );
}

/** A button with its menu. */
function Opened({
  trigger,
  items,
  children,
}: {
  trigger: RefObject<HTMLButtonElement | null>;
  items: MenuItem[];
  children: ReactNode;
}) {
  const chosen = useRef<() => void>(undefined);
  // Outside of an open dialog, the menu would be inert.
  const [container, setContainer] = useState<HTMLElement | null>(null);
  return (
    <DropdownMenu.Root
      modal={false}
      onOpenChange={() => setContainer(trigger.current?.closest<HTMLElement>('dialog') ?? null)}
    >
      {children}
      <DropdownMenu.Portal container={container}>
        <DropdownMenu.Content
          className="menu"
          align="end"
          sideOffset={4}
          collisionPadding={8}
          onCloseAutoFocus={() => {
            // Focus the button before the action, because a dialog returns the focus to where it was.
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

/** Actions behind a button with a text. There is one of it on a screen, so it needs no stand-in. */
export function MenuButton({ icon: Icon, label, items }: { icon: LucideIcon; label: string; items: MenuItem[] }) {
  const trigger = useRef<HTMLButtonElement>(null);
  return (
    <Opened trigger={trigger} items={items}>
      <DropdownMenu.Trigger ref={trigger} className="button">
        <Icon className="icon" aria-hidden />
        {label}
        <ChevronDown className="icon" aria-hidden />
      </DropdownMenu.Trigger>
    </Opened>
  );
}
