import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readResponseHeaders, shownResponseHeaders, singleValue } from './response-headers.js';

/** A header with these bytes, as undici returns it. */
const raw = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('latin1');
const whiteSpace = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 4 });
// Values that neither begin nor end with white space.
const value = fc.string({ unit: 'binary' }).filter((text) => /^(?![ \t])[^\p{Cc}\p{Cs}]*(?<![ \t])$/u.test(text));

describe('readResponseHeaders', () => {
  it('property: reads a UTF-8 value exactly, with any white space around it', () => {
    fc.assert(
      fc.property(value, whiteSpace, whiteSpace, (text, before, after) => {
        expect(readResponseHeaders({ x: raw(before + text + after) }).get('x')).toEqual([text]);
      }),
    );
  });

  it('property: any bytes become text that can be stored, without losses', () => {
    const bytes = fc.uint8Array().map((array) => array.map((byte) => (byte < 0x21 ? 0x21 : byte)));
    fc.assert(
      fc.property(bytes, (array) => {
        const [text = ''] = readResponseHeaders({ x: raw(array) }).get('x') ?? [];
        expect(text).not.toMatch(/\p{Surrogate}/u);
        expect([raw(text), text]).toContain(raw(array));
      }),
    );
  });

  it('removes spaces and tabs only', () => {
    expect(readResponseHeaders({ x: raw(' \t\u00a0\u3000a\ufeff\t ') }).get('x')).toEqual(['\u00a0\u3000a\ufeff']);
  });

  it('keeps the white space within a value', () => {
    expect(readResponseHeaders({ x: `a${' '.repeat(100_000)}b` }).get('x')?.[0]).toHaveLength(100_002);
  });
});

describe('singleValue', () => {
  it.each([
    ['absent', {}, null],
    ['once', { x: 'a ' }, 'a'],
    ['the same value twice', { x: ['a', ' a'] }, 'a'],
    ['twice, differing', { x: ['a', 'b'] }, null],
  ])('%s', (_how, headers, expected) => {
    expect(singleValue(readResponseHeaders(headers), 'x')).toBe(expected);
  });
});

describe('shownResponseHeaders', () => {
  it('property: masks cookies and credentials, joins lists, and shows everything else', () => {
    const masked = fc.constantFrom('set-cookie', 'set-cookie2', 'cookie', 'authorization', 'proxy-authorization');
    const text = fc.stringMatching(/^[a-z]{1,9}$/);
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(masked, text), fc.oneof(text, fc.array(text))), (headers) => {
        const shown = shownResponseHeaders(readResponseHeaders(headers));
        expect(Object.keys(shown).toSorted()).toEqual(Object.keys(headers).toSorted());
        for (const [name, values] of Object.entries(headers)) {
          const isMasked = /cookie|^(proxy-)?authorization$/.test(name);
          expect(shown[name]).toBe(isMasked ? '••••' : [values].flat().join(', '));
        }
      }),
    );
  });
});
