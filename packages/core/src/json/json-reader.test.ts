import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonReader, MAX_SPACE_BYTES } from './json-reader.js';
import { parseJson } from './parse-json.js';

const parse = (text: string, maxValues = 1_000) => parseJson(Buffer.from(text), { maxValues });
const wrong = (text: string) => {
  const parsed = parse(text);
  return parsed.outcome === 'parsed' ? null : parsed.message;
};
/** Without half surrogate pairs, which UTF-8 cannot encode. */
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);
const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('accepts exactly what JSON.parse accepts', () => {
  // Text that is almost JSON: pieces of it in any order, or JSON with one piece added or removed.
  const visible =
    String.raw`{ } [ ] , : " "a" "\u00e9" "\ud83d" "\u00g0" "\x" \ 😀 "😀" /**/ 'a' 0 - -0 01 1. .5 1.5e 1E+3 1e-07 +1 --1 1_0 0x1
    true tru false null nulll NaN Infinity undefined`.split(/\s+/);
  const pieces = fc.constantFrom(...visible, '\t', '"\t"', ' ', '\n', '\v', '\u00a0', '\u2028', '\ufeff', '\0');
  const soup = fc.array(pieces, { maxLength: 12 }).map((some) => some.join(''));
  const nearly = fc
    .tuple(fc.json(), fc.nat(), fc.nat(3), fc.oneof(pieces, fc.constant('')))
    .map(([text, at, gone, piece]) => {
      const from = at % (text.length + 1);
      return text.slice(0, from) + piece + text.slice(from + gone);
    });

  it.each([
    ['property: pieces in any order', soup],
    ['property: JSON with a mistake', nearly],
    ['property: JSON', fc.json()],
  ])('%s', (_what, texts) => {
    fc.assert(
      fc.property(
        texts.filter((text) => isWellFormed(text) && !text.startsWith('\ufeff')),
        (text) => {
          if (isJson(text)) expect(parse(text)).toEqual({ outcome: 'parsed', value: JSON.parse(text) });
          else if (/^[ \t\r\n]*$/.test(text)) expect(parse(text)).toEqual({ outcome: 'parsed', value: undefined });
          else expect(parse(text).outcome).toBe('not_json');
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('property: cut text ends unexpectedly or is a number', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, at) => {
        const cut = text.slice(0, at % text.length);
        if (!isWellFormed(cut) || cut.trim() === '' || isJson(cut)) return;
        expect(wrong(cut)).toBe(`unexpected end at position ${Buffer.byteLength(cut)}`);
      }),
    );
  });
});

describe('reports the error and its position, identically on every engine', () => {
  it.each([
    ['{"a":NaN}', 'unexpected character "N" at position 5'],
    ['{"a":1', 'unexpected end at position 6'],
    ['{"a', 'unexpected end at position 3'],
    ['{"é":x}', 'unexpected character "x" at position 6'],
    ['\ufeff[x]', 'unexpected character "x" at position 4'],
    ['[1,]', 'unexpected character "]" at position 3'],
    ['[1 2]', 'unexpected character "2" at position 3'],
    ['{,}', 'unexpected character "," at position 1'],
    ['{"a":1,}', 'unexpected character "}" at position 7'],
    ['{"a" 1}', 'unexpected character "1" at position 5'],
    ['{a:1}', 'unexpected character "a" at position 1'],
    ['[01]', 'unexpected character "1" at position 2'],
    ['[1.]', 'unexpected character "]" at position 3'],
    ['[-]', 'unexpected character "]" at position 2'],
    ['[1e]', 'unexpected character "]" at position 3'],
    ['[trux]', 'unexpected character "x" at position 4'],
    ['["\\x"]', 'unexpected character "x" at position 3'],
    ['["\\u12g4"]', 'unexpected character "g" at position 6'],
    ['["a\nb"]', 'unexpected character U+000A at position 3'],
    ['["\0"]', 'unexpected character U+0000 at position 2'],
    ['[\u00a0]', 'unexpected character U+00A0 at position 1'],
    ['[\u202e]', 'unexpected character U+202E at position 1'],
    ['[😀]', 'unexpected character "😀" at position 1'],
    ['["]', 'unexpected end at position 3'],
    ['{} {}', 'unexpected character "{" at position 3'],
    ['[}', 'unexpected character "}" at position 1'],
    ['{"a":[1}', 'unexpected character "}" at position 7'],
  ])('%j', (text, message) => {
    expect(wrong(text)).toBe(message);
  });
});

describe('limits', () => {
  it('accepts the maximum number of values and stops reading at the next one', () => {
    expect(parse('[1,2,{"a":3}]', 5).outcome).toBe('parsed');
    expect(parse('[1,2,{"a":3},4,!', 5)).toEqual({ outcome: 'over_limit', message: 'must have at most 5 values' });
    expect(parse('[[],{},[],!', 3).outcome).toBe('over_limit');
  });

  it('accepts a nesting of 1000 and stops reading at the 1001st level', () => {
    expect(parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`).outcome).toBe('parsed');
    expect(parse(`${'['.repeat(1_001)}!`, 10_000)).toEqual({
      outcome: 'over_limit',
      message: 'must be nested at most 1000 deep',
    });
  });

  it('skips 512 KiB of white space in one place and stops reading beyond it', () => {
    const space = (bytes: number) => `[${' '.repeat(bytes)}`;
    expect(parse(`${space(MAX_SPACE_BYTES)}1]`).outcome).toBe('parsed');
    expect(parse(`${space(MAX_SPACE_BYTES + 1)}!`).outcome).toBe('over_limit');
  });
});

describe('keeps a value without the white space between its tokens', () => {
  const keep = (text: string, maxBytes: number, maxReadBytes = 1_000) => {
    const reader = new JsonReader(Buffer.from(text));
    reader.startKeeping({ maxBytes, maxReadBytes });
    reader.skip({ maxDepth: 10 });
    return Buffer.from(reader.endKeeping()).toString();
  };
  const spaced = ` { "a" :\t[ 1 ,\r\n "b  c${'x'.repeat(100)}" ] } `;
  const compact = `{"a":[1,"b  c${'x'.repeat(100)}"]}`;

  it('up to the last byte of a limit', () => {
    expect(keep(spaced, compact.length)).toBe(compact);
    expect(keep(compact, compact.length)).toBe(compact);
    for (let bytes = 1; bytes < compact.length; bytes += 1) {
      expect(() => keep(spaced, bytes)).toThrow('too large');
      expect(() => keep(compact, bytes)).toThrow('too large');
    }
  });

  it('up to the last byte of a limit that includes white space', () => {
    const bytes = spaced.trim().length;
    expect(keep(spaced, compact.length, bytes)).toBe(compact);
    expect(() => keep(spaced, compact.length, bytes - 1)).toThrow('too large');
  });
});
