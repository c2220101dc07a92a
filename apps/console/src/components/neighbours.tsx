import { ChevronDown, ChevronUp } from 'lucide-react';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { Button } from './button.js';

/** The list behind a drawer. */
interface Listed {
  /** The rows of its page, from top to bottom. */
  ids: readonly string[];
  /** Where the page starts. Undefined: the first page. */
  cursor: string | undefined;
  /** Null: this is the last page. */
  nextCursor: string | null;
}

interface State {
  listed: Listed | null;
  /** Cursors only lead forwards, so this remembers the start of the previous page for each page. */
  before: ReadonlyMap<string, string | undefined>;
}

const NOTHING: State = { listed: null, before: new Map() };
const NeighboursContext = createContext<State & { list: (listed: Listed | null) => void }>({ ...NOTHING, list() {} });

/** Lets a drawer step through the rows of the list behind it. */
export function Neighbours({ children }: { children: ReactNode }) {
  const [state, setState] = useState(NOTHING);
  const shared = useMemo(
    () => ({
      ...state,
      list: (listed: Listed | null) =>
        setState(({ listed: last, before }) => ({
          listed,
          before:
            last !== null && listed?.cursor !== undefined && listed.cursor === last.nextCursor
              ? new Map(before).set(listed.cursor, last.cursor)
              : before,
        })),
    }),
    [state],
  );
  return <NeighboursContext value={shared}>{children}</NeighboursContext>;
}

/** Names the rows of a list to the drawer beside it. Undefined while another page loads. */
export function useNeighbours(listed: Listed | undefined): void {
  const { list } = useContext(NeighboursContext);
  const text = JSON.stringify(listed);
  const latest = useRef(list);
  useEffect(() => void (latest.current = list));
  useEffect(() => {
    if (text !== undefined) latest.current(JSON.parse(text) as Listed);
  }, [text]);
  useEffect(() => () => latest.current(null), []);
}

/** Buttons and the keys J and K, which open the next and the previous row of the list in the drawer. At the end of a page they continue
 *  with the next page. Renders nothing if no list has the row. */
export function StepButtons({
  id,
  noun,
  onOpen,
  onTurn,
}: {
  /** The row that is open. */
  id: string;
  noun: 'delivery' | 'event';
  onOpen: (id: string) => void;
  /** Shows another page of the list. */
  onTurn: (cursor: string | undefined) => void;
}) {
  const { listed, before } = useContext(NeighboursContext);
  /** A step to another page: the row, the cursor of its page and the direction. */
  const [turning, setTurning] = useState<{ from: string; cursor: string | undefined; by: 1 | -1 } | null>(null);
  /** The row at which a step was not possible. */
  const [end, setEnd] = useState<{ id: string; by: 1 | -1 } | null>(null);
  const group = useRef<HTMLDivElement>(null);
  const at = listed?.ids.indexOf(id) ?? -1;
  const isTurning = turning?.from === id && at === -1;

  const step = (by: 1 | -1) => {
    if (listed === null || at === -1) return;
    const { cursor, ids, nextCursor } = listed;
    const neighbour = ids[at + by];
    if (neighbour !== undefined) return onOpen(neighbour);
    const canTurn = by === 1 ? nextCursor !== null : cursor !== undefined && before.has(cursor);
    if (!canTurn) return setEnd({ id, by });
    setTurning({ from: id, cursor, by });
    onTurn(by === 1 ? (nextCursor ?? undefined) : before.get(cursor ?? ''));
  };
  const latest = useRef({ step, onOpen, onTurn });
  useEffect(() => void (latest.current = { step, onOpen, onTurn }));

  useEffect(() => {
    if (turning?.from !== id || listed === null || listed.cursor === turning.cursor) return;
    const arrived = listed.ids.at(turning.by === 1 ? 0 : -1);
    if (arrived !== undefined) latest.current.onOpen(arrived);
    // A page may be empty and still have a next one.
    else if (turning.by === 1 && listed.nextCursor !== null) latest.current.onTurn(listed.nextCursor);
  }, [turning, listed, id]);

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const by = ({ j: 1, k: -1 } as const)[event.key.toLowerCase()];
      if (by === undefined || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest('input, textarea, select, [contenteditable], [role="menu"]')) return;
      // A dialog above the drawer has the keyboard.
      if (group.current?.closest('dialog')?.querySelector('dialog[open]')) return;
      event.preventDefault();
      latest.current.step(by);
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);

  const shown = useRef(id);
  useEffect(() => {
    if (shown.current === id) return;
    shown.current = id;
    // The element with the focus may have belonged to the row before.
    if (document.activeElement === document.body)
      group.current?.querySelector<HTMLElement>('[aria-keyshortcuts="J"]')?.focus();
  }, [id]);

  if (listed === null || (at === -1 && !isTurning)) return null;
  return (
    <div
      ref={group}
      className="row tight"
      role="group"
      aria-label={noun === 'delivery' ? 'Other deliveries' : 'Other events'}
    >
      <Button look="plain" label={`Previous ${noun} (K)`} aria-keyshortcuts="K" onClick={() => step(-1)}>
        <ChevronUp className="icon" aria-hidden />
      </Button>
      <Button look="plain" label={`Next ${noun} (J)`} aria-keyshortcuts="J" onClick={() => step(1)}>
        <ChevronDown className="icon" aria-hidden />
      </Button>
      <span className="small muted number" role="status">
        {isTurning ? turningText(listed, noun) : end?.id === id ? endText(listed, noun, end.by) : placeText(listed, at)}
      </span>
    </div>
  );
}

const placeText = ({ ids, cursor, nextCursor }: Listed, at: number): string =>
  `${at + 1} of ${ids.length}${cursor === undefined && nextCursor === null ? '' : ' on this page'}`;

const endText = ({ cursor }: Listed, noun: string, by: 1 | -1): string =>
  by === 1 ? `This is the last ${noun}.` : `This is the first ${noun}${cursor === undefined ? '' : ' of this page'}.`;

const turningText = ({ ids, nextCursor }: Listed, noun: string): string =>
  ids.length === 0 && nextCursor === null ? `This was the last ${noun}.` : 'Loading another page…';
