import { type KeyboardEvent, memo, type MouseEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import type { JsonNode } from '../api/json-source.js';
import { Button } from './button.js';
import { JsonFind } from './json-find.js';
import { type JsonMatch, type JsonRow, openWithin, PORTION, rowsOf } from './json-rows.js';
import { whole } from './number.js';
import { OutsideText } from './outside-text.js';
import './json-tree.css';

/** Rows at first. */
const FEW = 100;
/** Rows after "Expand all": more would take the browser too long. */
const MANY = 2_000;
/** Shorter JSON needs no search. */
const SEARCHED_CHARACTERS = 1_000;
/** Longer strings are cut until they are expanded. */
const LONG = 300;

/** JSON whose objects and arrays can be folded, as in the WAI-ARIA pattern of a tree. The DOM has only visible rows, so the largest
 *  payload is as quick as a small one. */
export function JsonTree({
  text,
  root,
  label,
  tools,
}: {
  text: string;
  root: JsonNode;
  label: string;
  /** Further buttons above the tree. */
  tools: ReactNode;
}) {
  const folds = useFolds(root);
  const { open, rows, current, setCurrent } = folds;
  const [found, setFound] = useState<JsonMatch | null>(null);
  const tree = useRef<HTMLDivElement>(null);
  const stop = current?.id;
  useEffect(() => {
    if (stop !== undefined && tree.current?.contains(document.activeElement))
      tree.current.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  }, [stop]);
  useEffect(() => {
    if (found) tree.current?.querySelector(`[data-id="${found.id}"]`)?.scrollIntoView({ block: 'nearest' });
  }, [found]);

  const rowAt = (target: EventTarget): JsonRow | undefined => {
    const id = (target as Element).closest<HTMLElement>('[role="treeitem"]')?.dataset['id'];
    return rows.find((row) => String(row.id) === id);
  };
  const onClick = ({ target }: MouseEvent) => {
    const row = rowAt(target);
    // A click that ends a selection of text must not fold it away.
    if (row && document.getSelection()?.isCollapsed !== false) folds.use(row);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = current && actionOf(event.key, current, folds);
    if (!action) return;
    event.preventDefault();
    action();
  };
  return (
    <>
      <div className="row tight body-bar">
        {root.children.some(({ children }) => children.length > 0) && (
          <>
            <Button size="tiny" onClick={folds.expandAll}>
              Expand all
            </Button>
            <Button size="tiny" onClick={folds.collapseAll}>
              Collapse all
            </Button>
          </>
        )}
        {text.length > SEARCHED_CHARACTERS && (
          <JsonFind
            root={root}
            label={label}
            textOf={(node) => textOf(node, text)}
            onShow={(match) => {
              setFound(match);
              if (match) folds.show(match);
            }}
          />
        )}
        {tools}
      </div>
      {/* Each row has the keyboard of the tree: Enter and Space do what a click does. */}
      {/* oxlint-disable-next-line jsx-a11y/interactive-supports-focus */}
      <div
        ref={tree}
        role="tree"
        aria-label={label}
        className="code json-tree"
        onClick={onClick}
        onFocus={({ target }) => setCurrent(rowAt(target)?.id ?? stop ?? root.start)}
        onKeyDown={onKeyDown}
      >
        {rows.map((row) => (
          <Row
            key={row.id}
            row={row}
            text={text}
            isOpen={open.has(row.id)}
            isStop={row.id === stop}
            isFound={row.id === found?.id}
          />
        ))}
      </div>
    </>
  );
}

/** What is expanded, the rows that this shows, and the current row. */
function useFolds(root: JsonNode) {
  const [open, setOpen] = useState<ReadonlySet<number>>(() => openWithin(root, FEW));
  const [counts, setCounts] = useState<ReadonlyMap<number, number>>(new Map());
  const [currentId, setCurrent] = useState(root.start);
  const rows = useMemo(() => rowsOf(root, { open, counts }), [root, open, counts]);
  const fold = (ids: readonly number[], isOpen: boolean) => {
    const next = new Set(open);
    for (const id of ids) {
      if (isOpen) next.add(id);
      else next.delete(id);
    }
    setOpen(next);
  };
  return {
    open,
    rows,
    current: rows.find(({ id }) => id === currentId) ?? rows[0],
    setCurrent,
    fold,
    /** What a click on the row does. */
    use({ id, node, hidden, position }: JsonRow) {
      setCurrent(id);
      if (hidden > 0) {
        setCounts(new Map(counts).set(node.start, position - 1 + PORTION));
        setCurrent(node.children[position - 1]?.start ?? id);
      } else if (isFoldable(node)) fold([id], !open.has(id));
    },
    /** Makes a match visible. */
    show(match: JsonMatch) {
      setOpen(new Set([...open, ...match.open]));
      const needed = match.counts.filter(([id, count]) => count > (counts.get(id) ?? PORTION));
      setCounts(new Map([...counts, ...needed]));
      setCurrent(match.id);
    },
    expandAll: () => setOpen(openWithin(root, MANY)),
    collapseAll() {
      setOpen(new Set([root.start]));
      setCurrent(root.start);
    },
  };
}

/** What a key does at a row, as in the WAI-ARIA pattern. */
function actionOf(
  key: string,
  row: JsonRow,
  { open, rows, setCurrent, fold, use }: ReturnType<typeof useFolds>,
): (() => void) | undefined {
  const { id, node, hidden, parentId } = row;
  const at = rows.indexOf(row);
  const canFold = hidden === 0 && isFoldable(node);
  const go = (index: number) => setCurrent(rows[Math.min(Math.max(index, 0), rows.length - 1)]?.id ?? id);
  const actions: Record<string, () => void> = {
    ArrowDown: () => go(at + 1),
    ArrowUp: () => go(at - 1),
    Home: () => go(0),
    End: () => go(rows.length - 1),
    Enter: () => use(row),
    ' ': () => use(row),
    ArrowRight() {
      if (canFold && !open.has(id)) fold([id], true);
      else if (rows[at + 1]?.parentId === id) go(at + 1);
    },
    ArrowLeft() {
      if (canFold && open.has(id)) fold([id], false);
      else if (parentId !== null) setCurrent(parentId);
    },
    // The siblings, too.
    '*': () =>
      fold(
        rows.filter((one) => one.parentId === parentId && one.node.children.length > 0).map((one) => one.id),
        true,
      ),
  };
  return Object.hasOwn(actions, key) ? actions[key] : undefined;
}

const isFoldable = ({ kind, start, end, children }: JsonNode): boolean =>
  children.length > 0 || (kind === 'string' && end - start > LONG);

/** Deeper rows are not indented further, so that they stay visible. */
const MOST_INDENTED = 20;

const Row = memo(function Row({
  row: { id, node, level, position, siblings, parentId, hidden },
  text,
  isOpen,
  isStop,
  isFound,
}: {
  row: JsonRow;
  text: string;
  isOpen: boolean;
  /** Tab stops here. */
  isStop: boolean;
  isFound: boolean;
}) {
  const canFold = hidden === 0 && isFoldable(node);
  return (
    <div
      role="treeitem"
      data-id={id}
      data-found={isFound || undefined}
      tabIndex={isStop ? 0 : -1}
      aria-level={level}
      aria-posinset={position}
      aria-setsize={siblings}
      aria-selected={isStop}
      aria-expanded={canFold ? isOpen : undefined}
      style={{ paddingInlineStart: 18 + 16 * (Math.min(level, MOST_INDENTED) - 1) }}
    >
      {hidden > 0 ? (
        <span className="json-more">
          Show {whole.format(Math.min(hidden, PORTION))} more of {whole.format(hidden)}
        </span>
      ) : (
        <>
          {node.key !== null && (
            <>
              <OutsideText text={readable(node.key)} />
              {': '}
            </>
          )}
          {node.key === null && parentId !== null && <span className="muted">{position - 1}: </span>}
          <Value node={node} text={text} isOpen={isOpen} />
        </>
      )}
    </div>
  );
});

function Value({ node, text, isOpen }: { node: JsonNode; text: string; isOpen: boolean }) {
  const { kind, start, end, children } = node;
  switch (kind) {
    case 'object':
    case 'array': {
      const [left, right, one, many] = kind === 'object' ? ['{', '}', 'key', 'keys'] : ['[', ']', 'item', 'items'];
      if (children.length === 0) return `${left}${right}`;
      return (
        <>
          {isOpen ? left : `${left}…${right}`}{' '}
          <span className="muted">
            {whole.format(children.length)} {children.length === 1 ? one : many}
          </span>
        </>
      );
    }
    case 'string': {
      const source = readable(text.slice(start, end));
      const isCut = !isOpen && end - start > LONG;
      return (
        <>
          <OutsideText className="json-string" text={isCut ? source.slice(0, LONG) : source} />
          {isCut && (
            <span className="json-more">… {whole.format(Math.max(1, source.length - LONG))} more characters</span>
          )}
        </>
      );
    }
    case 'other':
      return <span className="json-other">{text.slice(start, end)}</span>;
    default:
      return kind satisfies never;
  }
}

/** The text of a string or another value without children, as it is shown. */
const textOf = ({ kind, start, end }: JsonNode, source: string): string =>
  kind === 'string' ? readable(source.slice(start, end)) : source.slice(start, end);

/** A string of the source with escapes such as \u00e9 as characters. Half a surrogate pair stays an escape. */
const readable = (source: string): string => JSON.stringify(JSON.parse(source));
