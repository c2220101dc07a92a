import { describe, expect, it } from 'vitest';
import { checkSchema } from './check-schema.js';
import { compileSchema } from './compile-schema.js';

function issuesOf(schema: Record<string, unknown>, payload: unknown): string[] {
  expect(checkSchema(schema, { isEnforced: true })).toBeNull();
  return compileSchema(schema)(payload).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('compileSchema', () => {
  it.each<[Record<string, unknown>, unknown, string[]]>([
    [{ type: 'object', required: ['a'] }, { a: 1 }, []],
    [{ required: ['constructor'] }, {}, ['constructor: is required']],
    [{ properties: { a: { required: ['b'] } } }, { a: {} }, ['a.b: is required']],
    [{ properties: { a: { type: ['string', 'null'] } } }, { a: 1 }, ['a: must be a string or null']],
    [{ properties: { a: {} }, additionalProperties: false }, { b: 1 }, ['b: is not a field of the schema: remove it']],
    [
      { allOf: [{ properties: { a: {} } }], unevaluatedProperties: false },
      { b: 1 },
      ['b: is not a field of the schema: remove it'],
    ],
    [{ properties: { a: { enum: ['x', 2] } } }, { a: 'y' }, ['a: must be one of "x", 2']],
    [{ properties: { a: { const: { b: 1 } } } }, { a: 'y' }, ['a: must be {"b":1}']],
    [{ properties: { a: { minLength: 2 } } }, { a: '😀' }, ['a: must have at least 2 characters']],
    [{ properties: { a: { exclusiveMinimum: 0 } } }, { a: 0 }, ['a: must be > 0']],
    [
      { properties: { a: { items: { $ref: '#/$defs/b' } } }, $defs: { b: { type: 'string' } } },
      { a: ['x', 1] },
      ['a.1: must be a string'],
    ],
    [
      { properties: { a: { uniqueItems: true } } },
      {
        a: [
          { x: 1, y: 2 },
          { y: 2, x: 1 },
        ],
      },
      ['a: must not have equal elements'],
    ],
    [{ properties: { a: { uniqueItems: true } } }, { a: [1, '1', true, null, [], {}] }, []],
    [{ properties: { a: { pattern: '^\\u0061\\d+/$' } } }, { a: 'a1' }, ['a: must match the pattern ^\\u0061\\d+/$']],
    [{ properties: { a: { pattern: '^\\u0061\\d+\\/$' } } }, { a: 'a1/' }, []],
    [{ patternProperties: { '^x_': { type: 'number' } } }, { x_a: 'b' }, ['x_a: must be a number']],
    [
      { properties: { a: { anyOf: [{ type: 'string' }, { type: 'null' }] } } },
      { a: 1 },
      ['a: must match one of the alternatives of anyOf', 'a: must be null', 'a: must be a string'],
    ],
    [JSON.parse('{"if":{"required":["a"]},"then":{"required":["b"]}}'), { a: 1 }, ['b: is required']],
    [{ properties: { a: { format: 'email' } } }, { a: 'no' }, []],
    [{ properties: { 'a/b~c': false } }, { 'a/b~c': 1 }, ['a/b~c: is not allowed']],
    [{ dependentRequired: { a: ['b'] } }, { a: 1 }, ['b: is required']],
    [{ properties: { a: { contains: { const: 1 } } } }, { a: [2] }, ['a: must have at least 1 matching elements']],
  ])('%j with %j: %j', (schema, payload, issues) => {
    expect(issuesOf(schema, payload)).toEqual(issues);
  });

  const tooMuch = [expect.stringContaining('takes too much work to validate')];
  const nested = (depth: number): unknown => (depth === 0 ? {} : { next: nested(depth - 1) });
  const both = (ref: string) => [{ $ref: ref }, { $ref: ref }];
  const chain = (last: unknown) => ({
    $ref: '#/$defs/d0',
    $defs: {
      ...Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`d${n}`, { anyOf: both(`#/$defs/d${n + 1}`) }])),
      d60: last,
    },
  });
  const next = { properties: { next: { $ref: '#/$defs/a' } } };
  const numbers = Array.from({ length: 130_000 }, () => 1);

  it.each<[string, Record<string, unknown>, unknown]>([
    ['references that double at each step', chain({ type: 'string' }), {}],
    [
      'references that double at each level of the payload',
      { $ref: '#/$defs/a', $defs: { a: { anyOf: [next, next], required: ['next'] } } },
      nested(100),
    ],
    [
      'many alternatives for many elements',
      { properties: { a: { contains: { anyOf: Array.from({ length: 300 }, (_, n) => ({ const: n + 2 })) } } } },
      { a: numbers },
    ],
    [
      'a long enum for many elements',
      { properties: { a: { contains: { enum: Array.from({ length: 5_000 }, (_, n) => n + 2) } } } },
      { a: numbers },
    ],
    [
      'many patterns for a long text',
      { properties: { a: { allOf: Array.from({ length: 60 }, (_, n) => ({ pattern: `^.*x?.{0,${n}}$` })) } } },
      { a: 'a'.repeat(260_000) },
    ],
    [
      'many lengths of a long text',
      { properties: { a: { allOf: Array.from({ length: 300 }, () => ({ maxLength: 300_000 })) } } },
      { a: 'a'.repeat(260_000) },
    ],
    [
      'many patterns for many names',
      { patternProperties: Object.fromEntries(Array.from({ length: 90 }, (_, n) => [`a.{0,5}${n}$`, true])) },
      Object.fromEntries(Array.from({ length: 30_000 }, (_, n) => [`k${n}`, 1])),
    ],
  ])('stops at %s', (_name, schema, payload) => {
    expect(issuesOf(schema, payload)).toEqual(tooMuch);
  });

  it.each<[string, Record<string, unknown>, unknown]>([
    ['130,000 numbers', { properties: { a: { items: { type: 'integer', minimum: 0 } } } }, { a: numbers }],
    [
      'a text of 256 KiB with a pattern',
      { properties: { a: { pattern: '^[A-Za-z0-9+/=]*$' } } },
      { a: 'a'.repeat(260_000) },
    ],
    [
      '10,000 different objects',
      { properties: { a: { uniqueItems: true } } },
      { a: Array.from({ length: 10_000 }, (_, id) => ({ id })) },
    ],
    ['a pattern that backtracks elsewhere', { properties: { a: { pattern: '^(a+)+$' } } }, { a: 'a'.repeat(50_000) }],
  ])('validates %s', (_name, schema, payload) => {
    expect(issuesOf(schema, payload)).toEqual([]);
  });
});
