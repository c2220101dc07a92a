import { diffArrays } from 'diff';
import { indentSource, readSource } from '../api/json-source.js';

/** A line of a comparison. `text`: the parts before, inside and after the change. A line without a counterpart is one change. */
export interface DiffLine {
  sign: '=' | '-' | '+';
  text: [before: string, changed: string, after: string];
}

/** Maximum number of differing lines, because more would take the browser too long. Beyond it, all lines between the common start and the
 *  common end count as changed. */
const MAX_EDITS = 1_000;

/** Compares two texts line by line. JSON is indented first, one value per line, with its values as they were sent. */
export function diffLines(left: string, right: string): DiffLine[] {
  const [a, b] = [linesOf(left), linesOf(right)];
  const changes = diffArrays(a, b, { maxEditLength: MAX_EDITS }) ?? diffCoarsely(a, b);
  return changes.flatMap(({ value, added, removed }, index) => {
    if (added || removed) {
      const other = changes[added ? index - 1 : index + 1];
      const isPair = (added ? other?.removed : other?.added) ?? false;
      return value.map((line, at): DiffLine => {
        const counterpart = isPair ? other?.value[at] : undefined;
        return {
          sign: added ? '+' : '-',
          text: counterpart === undefined ? ['', line, ''] : around(line, counterpart),
        };
      });
    }
    return value.map((line): DiffLine => ({ sign: '=', text: [line, '', ''] }));
  });
}

/** Returns the lines without trailing commas: otherwise a value that is added at the end would change the line before it. */
function linesOf(text: string): string[] {
  if (text === '') return [];
  const root = readSource(text);
  if (root === null) return text.split('\n');
  return indentSource(text, root)
    .split('\n')
    .map((line) => (line.endsWith(',') ? line.slice(0, -1) : line));
}

function diffCoarsely(a: string[], b: string[]): { value: string[]; added: boolean; removed: boolean }[] {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  return [
    { value: a.slice(0, start), added: false, removed: false },
    { value: a.slice(start, a.length - end), added: false, removed: true },
    { value: b.slice(start, b.length - end), added: true, removed: false },
    { value: a.slice(a.length - end), added: false, removed: false },
  ];
}

/** Splits a line into the parts before, inside and after the difference from another line. */
function around(line: string, other: string): DiffLine['text'] {
  const shorter = Math.min(line.length, other.length);
  let start = 0;
  while (start < shorter && line[start] === other[start]) start += 1;
  let end = 0;
  while (end < shorter - start && line.at(-1 - end) === other.at(-1 - end)) end += 1;
  return [line.slice(0, start), line.slice(start, line.length - end), line.slice(line.length - end)];
}

/** Successive lines with the same sign. Unchanged lines that are far from a change are folded. */
export type DiffPart = { lines: DiffLine[]; isFolded: boolean };

const CONTEXT = 3;

export function partsOf(lines: DiffLine[]): DiffPart[] {
  const isNear = new Uint8Array(lines.length);
  lines.forEach(({ sign }, index) => {
    if (sign !== '=') isNear.fill(1, Math.max(0, index - CONTEXT), index + CONTEXT + 1);
  });
  const parts: DiffPart[] = [];
  lines.forEach((line, index) => {
    const isFolded = isNear[index] === 0;
    const last = parts.at(-1);
    if (last?.isFolded === isFolded && last.lines[0]?.sign === line.sign) last.lines.push(line);
    else parts.push({ lines: [line], isFolded });
  });
  return parts;
}
