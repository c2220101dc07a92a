import * as DropdownMenu from '@radix-ui/react-dropdown-menu';
import { type KeyboardEvent, type PointerEvent, type RefObject, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import './menu.css';

export interface MenuItem {
  label: string;
  onSelect: () => void;
  isDangerous?: boolean;
}

const OPENING_KEYS = new Set(['Enter', ' ', 'ArrowDown']);

/** The further acts of a row or a screen. A list has a hundred menus and hardly one is opened: until it is first used there is only its
 *  button, and what opens it goes on to the button of the menu itself, which then decides as it always does. */
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
  const chosen = useRef<() => void>(undefined);
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger {...button} />
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
