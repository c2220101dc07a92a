import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toJson } from './to-json.js';

it.each([
  ['half of a pair', 'Hi \ud83d', '"Hi \ufffd"'],
  ['the other half', '\udc4bHi', '"\ufffdHi"'],
  ['two halves in the wrong order', '\udc4b\ud83d', '"\ufffd\ufffd"'],
  ['a pair', 'Hi 👋', '"Hi 👋"'],
  ['an escape sequence as text', '\\ud83d', '"\\\\ud83d"'],
  ['a backslash before a half', '\\\ud83d', '"\\\\\ufffd"'],
  ['a control character', '\u001f', '"\\u001f"'],
])('makes %s well-formed, and keeps everything else: %j is %s', (_what, given, json) => {
  expect(toJson(given)).toBe(json);
});

const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0xd7fe, max: 0xe001 }), fc.constantFrom(0x5c, 0x75, 0x64, 0x22, 0x1f, 0x41)))
  .map((units) => String.fromCharCode(...units));

it('replaces every half of a pair in strings and keys by U+FFFD, and changes nothing else', () => {
  fc.assert(
    fc.property(fc.dictionary(anyText, fc.array(anyText), { noNullPrototype: true }), (value) => {
      const expected: Record<string, string[]> = {};
      for (const [key, texts] of Object.entries(value)) expected[wellFormed(key)] = texts.map(wellFormed);
      const distinct = Object.keys(expected).length === Object.keys(value).length;
      if (distinct) expect(JSON.parse(toJson(value))).toEqual(expected);
      expect(toJson(value)).not.toMatch(/[\ud800-\udfff]/u);
    }),
  );
});

// Encoding to UTF-8 is the other definition of a well-formed string.
const wellFormed = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');
