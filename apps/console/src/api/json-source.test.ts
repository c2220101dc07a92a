import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indentSource, type JsonNode, memberSource, readSource } from './json-source.js';

/** The text of a value, put together from its nodes. */
function write(text: string, { kind, start, end, key, children }: JsonNode): string {
  const inside = children.map((child) => write(text, child)).join(',');
  const value = kind === 'object' ? `{${inside}}` : kind === 'array' ? `[${inside}]` : text.slice(start, end);
  return key === null ? value : `${key}:${value}`;
}

describe('the source of a JSON text', () => {
  it('has every value, in the order and the spelling of the text', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (json, space) => {
        const text = JSON.stringify(JSON.parse(json), null, space);
        const root = readSource(text);
        expect(root && write(text, root)).toBe(JSON.stringify(JSON.parse(json)));
        expect(root && indentSource(text, root)).toBe(JSON.stringify(JSON.parse(json), null, 2));
      }),
    );
  });

  it('keeps what JavaScript would change: long numbers, the order of keys, repeated keys, escapes, half surrogate pairs', () => {
    const text = String.raw`{"b":12345678901234567890,"1":1.50,"1":1e2,"\u0061":"\ud83d","q\"":"\\","e":[],"f":{}}`;
    const root = readSource(text);
    expect(root && write(text, root)).toBe(text);
    expect(root && indentSource(text, root)).toBe(
      String.raw`{
  "b": 12345678901234567890,
  "1": 1.50,
  "1": 1e2,
  "\u0061": "\ud83d",
  "q\"": "\\",
  "e": [],
  "f": {}
}`,
    );
  });

  it('is null for a text that is not JSON', () => {
    for (const text of ['', '<html>', '{"a":1', '{"a":1}x', '{a:1}']) expect(readSource(text)).toBe(null);
  });

  it('reads values that are nested deeper than the call stack', () => {
    const text = '['.repeat(20_000) + ']'.repeat(20_000);
    const root = readSource(text);
    expect(root?.end).toBe(text.length);
    expect(root && indentSource('[[]]', readSource('[[]]') ?? root)).toBe('[\n  []\n]');
  });

  it('finds a member of the outermost object only', () => {
    const text = '{"a":{"payload":1},"b":"\\"payload\\":2","payload": {"1":2,"0":1.0} }';
    expect(memberSource(text, 'payload')).toBe('{"1":2,"0":1.0}');
    expect(memberSource(text, 'c')).toBe(undefined);
  });
});
