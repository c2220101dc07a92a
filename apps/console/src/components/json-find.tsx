import { type KeyboardEvent, useState } from 'react';
import type { JsonNode } from '../api/json-source.js';
import { findIn, type JsonMatch } from './json-rows.js';
import { whole } from './number.js';
import './field.css';

/** Finds a text in JSON, also in what is folded. Enter goes to the next match, Shift and Enter to the previous one. */
export function JsonFind({
  root,
  label,
  textOf,
  onShow,
}: {
  root: JsonNode;
  label: string;
  textOf: (node: JsonNode) => string;
  /** null: nothing was found. */
  onShow: (match: JsonMatch | null) => void;
}) {
  const [matches, setMatches] = useState<JsonMatch[] | null>(null);
  const [at, setAt] = useState(0);
  const show = (found: JsonMatch[], index: number) => {
    setAt(index);
    onShow(found[index] ?? null);
  };
  const find = (text: string) => {
    const found = text === '' ? null : findIn(root, text, textOf);
    setMatches(found);
    show(found ?? [], 0);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || matches === null || matches.length === 0) return;
    event.preventDefault();
    show(matches, (at + (event.shiftKey ? matches.length - 1 : 1)) % matches.length);
  };
  return (
    <span className="row tight">
      <input
        type="search"
        className="input find"
        aria-label={`Find in ${label}`}
        placeholder="Find"
        onChange={({ target }) => find(target.value)}
        onKeyDown={onKeyDown}
      />
      <span className="small muted number" role="status">
        {matches !== null &&
          (matches.length === 0 ? 'Not found' : `${whole.format(at + 1)} of ${whole.format(matches.length)}`)}
      </span>
    </span>
  );
}
