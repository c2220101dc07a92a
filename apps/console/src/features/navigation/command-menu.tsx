import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useId, useState } from 'react';
import { Dialog } from '../../components/dialog.js';
import { useSession } from '../session/session.js';
import { type Command, useCommands } from './commands.js';
import './command-menu.css';

/** Finds pages, accounts, webhooks and any ID, and opens what is chosen. A combobox: the focus stays in the input, the arrow keys move
 *  through the results, Enter opens one, and Escape closes the menu. */
export function CommandMenu({ account, onClose }: { account: string | null; onClose: () => void }) {
  const id = useId();
  const navigate = useNavigate();
  const isOperator = useSession().kind === 'operator';
  const [text, setText] = useState('');
  const { groups, isSearching, error } = useCommands(text.trim(), account);
  const commands = groups.flatMap((group) => group.commands);
  const [chosen, setChosen] = useState<string | null>(null);
  const active = commands.find(({ key }) => key === chosen) ?? commands[0];
  /** Enter was pressed before there was a result: the first one opens when it comes. */
  const [isWanted, setIsWanted] = useState(false);
  const open = ({ path }: Command) => {
    onClose();
    void navigate({ to: path });
  };
  useEffect(() => {
    if (isWanted && active) open(active);
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- once, when the result comes
  }, [isWanted, active]);
  useEffect(() => {
    if (active) document.getElementById(optionId(id, active))?.scrollIntoView({ block: 'nearest' });
  });
  function onKeyDown(event: KeyboardEvent): void {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Enter') {
      event.preventDefault();
      setIsWanted(active !== undefined || isSearching);
      return;
    }
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by === undefined || !active) return;
    event.preventDefault();
    setChosen(commands[(commands.indexOf(active) + by + commands.length) % commands.length]?.key ?? null);
  }
  const label = isOperator ? 'Account, webhook, ID or page' : 'Webhook, ID or page';
  return (
    <Dialog title="Search" onClose={onClose}>
      <input
        className="input"
        role="combobox"
        aria-label={label}
        placeholder={label}
        aria-expanded={commands.length > 0}
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={active && optionId(id, active)}
        autoComplete="off"
        spellCheck={false}
        maxLength={2048}
        value={text}
        onKeyDown={onKeyDown}
        onChange={({ target }) => {
          setText(target.value);
          setChosen(null);
          setIsWanted(false);
        }}
      />
      <Results id={id} groups={groups} active={active} onChoose={setChosen} onOpen={open} />
      <p className="small muted" role="status">
        {error !== null
          ? `The search failed: ${error.message}`
          : isSearching
            ? 'Searching…'
            : commands.length === 0
              ? 'Nothing found. The search matches the beginning of names, URLs and descriptions, and complete IDs.'
              : ''}
      </p>
      <p className="command-keys small muted">
        <kbd>↑</kbd> <kbd>↓</kbd> to choose · <kbd>Enter</kbd> to open · <kbd>Esc</kbd> to close
      </p>
    </Dialog>
  );
}

/** The list of the combobox, which has the focus and the keys. */
function Results({
  id,
  groups,
  active,
  onChoose,
  onOpen,
}: {
  id: string;
  groups: ReturnType<typeof useCommands>['groups'];
  active: Command | undefined;
  onChoose: (key: string) => void;
  onOpen: (command: Command) => void;
}) {
  return (
    <div id={id} className="commands" role="listbox" aria-label="Results">
      {groups.map(({ name, commands }) => (
        <div key={name} role="group" aria-labelledby={`${id}-${name}`}>
          <div id={`${id}-${name}`} role="presentation" className="command-group">
            {name}
          </div>
          {commands.map((command) => (
            // The input has the focus and the keys.
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
            <div
              key={command.key}
              id={optionId(id, command)}
              className="command"
              role="option"
              aria-selected={command === active}
              onMouseMove={() => onChoose(command.key)}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => onOpen(command)}
            >
              <command.icon className="icon" aria-hidden />
              <span className="command-text">{command.text}</span>
              {command.detail !== undefined && <span className="muted small">{command.detail}</span>}
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}

const optionId = (id: string, { key }: Command): string => `${id}-${key.replaceAll(/\W/g, '-')}`;
