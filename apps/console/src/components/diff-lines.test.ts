import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffLines, partsOf } from './diff-lines.js';

const shown = (left: string, right: string) =>
  diffLines(left, right).map(({ sign, text }) => `${sign} ${text.join('|')}`);

describe('the comparison of two texts', () => {
  it('names each line that was added, removed or changed, and the changed part of the line', () => {
    expect(shown('{"a":1,"b":"hello","c":[1,2]}', '{"a":1,"b":"hallo","c":[1,2],"d":null}')).toEqual([
      '= {||',
      '=   "a": 1||',
      '-   "b": "h|e|llo"',
      '+   "b": "h|a|llo"',
      '=   "c": [||',
      '=     1||',
      '=     2||',
      '=   ]||',
      '+ |  "d": null|',
      '= }||',
    ]);
  });

  it('finds differences that JavaScript would not see', () => {
    const [left, right] = ['{"n":12345678901234567890,"x":1.0}', '{"n":12345678901234567891,"x":1.00}'];
    expect(JSON.parse(left)).toEqual(JSON.parse(right));
    expect(diffLines(left, right).filter(({ sign }) => sign === '+')).toHaveLength(2);
  });

  it('compares texts that are not JSON, and empty ones', () => {
    expect(shown('one\ntwo', 'one\n2')).toEqual(['= one||', '- |two|', '+ |2|']);
    expect(shown('', 'one')).toEqual(['+ |one|']);
    expect(shown('', '')).toEqual([]);
  });

  it('loses no line of either side, however much they differ', () => {
    const list = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 40 });
    const many = fc.array(fc.integer({ min: 0, max: 1e6 }).map(String), { minLength: 600, maxLength: 700 });
    const sideOf = (lines: ReturnType<typeof diffLines>, sign: '-' | '+') =>
      lines.filter((line) => line.sign === sign || line.sign === '=').map(({ text }) => text.join(''));
    fc.assert(
      fc.property(
        fc.oneof({ weight: 9, arbitrary: list }, many),
        fc.oneof({ weight: 9, arbitrary: list }, many),
        (a, b) => {
          const lines = diffLines(`x\n${a.join('\n')}`, `x\n${b.join('\n')}`);
          expect(sideOf(lines, '-')).toEqual(['x', ...a]);
          expect(sideOf(lines, '+')).toEqual(['x', ...b]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('folds lines that are far from a change', () => {
    const left = Array.from({ length: 30 }, (_, index) => `line ${index}`);
    const right = left.with(15, 'changed');
    const parts = partsOf(diffLines(left.join('\n'), right.join('\n')));
    expect(parts.map(({ lines, isFolded }) => [lines.length, isFolded])).toEqual([
      [12, true],
      [3, false],
      [1, false],
      [1, false],
      [3, false],
      [11, true],
    ]);
  });
});
