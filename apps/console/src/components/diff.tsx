import { useMemo, useState } from 'react';
import { Button } from './button.js';
import { type DiffLine, diffLines, type DiffPart, partsOf } from './diff-lines.js';
import { whole } from './number.js';
import { OutsideText } from './outside-text.js';
import './diff.css';

/** Two texts line by line: what the first has and the second does not (−), and the reverse (+). */
export function Diff({ what, left, right }: { what: string; left: string; right: string }) {
  const lines = useMemo(() => diffLines(left, right), [left, right]);
  const parts = useMemo(() => partsOf(lines), [lines]);
  const count = (sign: DiffLine['sign']) =>
    parts.reduce((sum, part) => (part.lines[0]?.sign === sign ? sum + part.lines.length : sum), 0);
  const [removed, added] = [count('-'), count('+')];
  if (removed + added === 0)
    return <p className="muted">{lines.length === 0 ? 'None.' : `Both have the same ${what}.`}</p>;
  return (
    <div className="stack tight">
      <p className="small muted">
        {whole.format(removed)} removed, {whole.format(added)} added
      </p>
      <div className="code diff" role="group" aria-label={`Differences of the ${what}`} tabIndex={0}>
        {parts.map((part, index) => (
          <Part key={index} part={part} />
        ))}
      </div>
    </div>
  );
}

/** More lines are rendered on request only. */
const PORTION = 300;

function Part({ part: { lines, isFolded } }: { part: DiffPart }) {
  const [shown, setShown] = useState(isFolded ? 0 : PORTION);
  const left = lines.length - shown;
  return (
    <>
      {lines.slice(0, shown).map((line, index) => (
        <Line key={index} line={line} />
      ))}
      {left > 0 && (
        <Button size="tiny" look="plain" onClick={() => setShown(shown + PORTION)}>
          {isFolded ? `Show ${whole.format(left)} unchanged` : `Show ${whole.format(left)} more`}{' '}
          {left === 1 ? 'line' : 'lines'}
        </Button>
      )}
    </>
  );
}

const SIGNS = {
  '=': { name: '', sign: ' ' },
  '-': { name: 'Removed: ', sign: '−' },
  '+': { name: 'Added: ', sign: '+' },
};
/** Longer parts of a line are cut: only the place of the change matters. */
const LONG = 400;

function Line({ line: { sign, text } }: { line: DiffLine }) {
  const [before, changed, after] = text;
  return (
    <div className="diff-line" data-sign={sign}>
      <span className="diff-sign" aria-hidden>
        {SIGNS[sign].sign}
      </span>
      <span>
        <span className="visually-hidden">{SIGNS[sign].name}</span>
        <OutsideText text={sign === '=' ? cutEnd(before) : cutStart(before)} />
        {changed !== '' &&
          (before === '' && after === '' ? (
            <OutsideText text={cutEnd(changed)} />
          ) : (
            <mark>
              <OutsideText text={cutEnd(changed)} />
            </mark>
          ))}
        <OutsideText text={cutEnd(after)} />
      </span>
    </div>
  );
}

const cutStart = (text: string): string => (text.length > LONG ? `…${text.slice(-LONG)}` : text);
const cutEnd = (text: string): string => (text.length > LONG ? `${text.slice(0, LONG)}…` : text);
