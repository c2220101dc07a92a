import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonObject, text } from './text.js';

describe('text', () => {
  it.each([
    ['a NUL', 'a\0b', false],
    ['the first half of a pair', '\ud83d', false],
    ['the second half of a pair', 'x\ude00y', false],
    ['a pair the wrong way round', '\ude00\ud83d', false],
    ['a whole pair', '😀', true],
    ['other control characters', '\u0001\u001f\t\n', true],
  ])('%s', (_, value, fine) => {
    expect(text(0, 100).safeParse(value).success).toBe(fine);
  });

  it('accepts exactly the strings without NUL that UTF-8 can represent', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }), (value) => {
        const kept = Buffer.from(value, 'utf8').toString('utf8') === value && !value.includes('\0');
        expect(text(0, 1000).safeParse(value).success).toBe(kept);
      }),
    );
  });
});

const nested = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);

describe('jsonObject', () => {
  const schema = jsonObject({ maxDepth: 3, maxBytes: 100 });
  const messageOf = (value: unknown) => schema.safeParse(value).error?.issues[0];

  it('returns the given object itself', () => {
    const value = { b: 1, a: [true, null, 'x', { c: -0.5 }] };
    expect(schema.parse(value)).toBe(value);
  });

  it.each([
    ['an array', []],
    ['null', null],
    ['a string', '{}'],
    ['nothing', undefined],
  ])('rejects %s', (_, value) => {
    expect(messageOf(value)?.message).toBe('must be a JSON object');
  });

  it('rejects deeper nesting than allowed, and survives a hundred thousand levels', () => {
    expect(messageOf(nested(3))).toBeUndefined();
    expect(messageOf(nested(4))?.message).toBe('must be nested at most 3 deep');
    expect(messageOf(nested(100_000))?.message).toBe('must be nested at most 3 deep');
  });

  it('counts bytes, not characters', () => {
    expect(messageOf({ a: 'ü'.repeat(46) })).toBeUndefined();
    expect(messageOf({ a: 'ü'.repeat(47) })?.message).toBe('must be at most 100 bytes of JSON; it is 102');
  });

  it.each([
    ['a 20-digit integer', '12345678901234567890'],
    ['a number beyond the range of doubles', '1e400'],
  ])('rejects %s instead of rounding it, and names its path', (_, number) => {
    expect(messageOf(JSON.parse(`{"a":[0,${number}]}`))).toMatchObject({
      path: ['a', 1],
      message: 'is a number that would be rounded: send it as a string',
    });
  });

  it.each([
    ['a NUL in a value', { a: '\0' }],
    ['a NUL in a key', { '\0': 1 }],
    ['half a pair in a key', { '\ud83d': 1 }],
  ])('rejects %s', (_, value) => {
    expect(messageOf(value)?.message).toContain('NUL or half of a surrogate pair');
  });
});
