import { describe, expect, it } from 'vitest';
import { checkSchema } from './check-schema.js';

const check = (schema: Record<string, unknown>, isEnforced = true) => checkSchema(schema, { isEnforced });

const order = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://example.com/order',
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'string', pattern: '^or_[a-z0-9]{6,}$' },
    lines: { type: 'array', items: { $ref: '#/$defs/line' }, uniqueItems: true },
    total: { $ref: '#money' },
    'x/y': { type: ['string', 'null'], format: 'date-time', 'x-internal': true },
  },
  $defs: {
    line: {
      type: 'object',
      properties: { sku: { type: 'string' }, parts: { type: 'array', items: { $ref: '#/$defs/line' } } },
    },
    money: { $anchor: 'money', type: 'integer', minimum: 0 },
  },
};

describe('checkSchema', () => {
  it('accepts a schema with local references, an anchor, recursion and extensions', () => {
    expect(check(order)).toBeNull();
    expect(check({})).toBeNull();
    expect(check({ properties: { any: true, none: false } })).toBeNull();
  });

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    [
      'a type that does not exist',
      { properties: { a: { type: 'text' } } },
      '/properties/a/type',
      /^must be one of "array"/,
    ],
    ['a value of the wrong type', { required: 'id' }, '/required', /^must be an array$/],
    ['a misspelled keyword', { type: 'object', requird: ['id'] }, '/requird', /correct its name, or begin it with x-/],
    ['a schema that is a text', { properties: { a: 'string' } }, '/properties/a', /a JSON object, true or false/],
    ['items of older drafts', { items: [{}] }, '/items', /a JSON object, true or false/],
    ['an older draft', { $schema: 'http://json-schema.org/draft-07/schema#' }, '/$schema', /2020-12/],
    [
      'nullable of OpenAPI 3.0',
      { properties: { a: { type: 'string', nullable: true } } },
      '/properties/a/nullable',
      /\["string", "null"\]/,
    ],
    ['a remote reference', { $ref: 'https://example.com/a.json' }, '/$ref', /nothing is fetched/],
    ['a relative reference', { $ref: 'other.json#/a' }, '/$ref', /nothing is fetched/],
    ['a reference to nothing', { $ref: '#/$defs/a' }, '/$ref', /leads to no schema/],
    ['a reference to a value', { properties: {}, $ref: '#/properties' }, '/$ref', /leads to no schema/],
    ['an unknown anchor', { $ref: '#a' }, '/$ref', /leads to no schema/],
    ['a broken escape', { $ref: '#/%zz' }, '/$ref', /% escape/],
    ['an anchor twice', { $defs: { a: { $anchor: 'x' }, b: { $anchor: 'x' } } }, '/$defs/b/$anchor', /another name/],
    ['an $id below the top', { $defs: { a: { $id: 'a' } } }, '/$defs/a/$id', /only allowed at the top/],
    ['a dynamic reference', { $dynamicRef: '#a' }, '/$dynamicRef', /use \$ref instead/],
    ['a loop', { $ref: '#' }, '', /never ends/],
    ['a loop over two', { $ref: '#/$defs/a', $defs: { a: { allOf: [{ $ref: '#' }] } } }, '', /never ends/],
    ['a look-ahead', { properties: { a: { pattern: '(?=a)b' } } }, '/properties/a/pattern', /look-around/],
    ['a back-reference', { pattern: '(a)\\1' }, '/pattern', /back-references/],
    ['a broken pattern', { patternProperties: { '[a': {} } }, '/patternProperties/[a', /syntax errors/],
    ['a huge repetition', { pattern: '[a-z]{1,900}[a-z]{1,900}' }, '/pattern', /maxLength/],
    ['a nested repetition', { pattern: '((a{30}){30})b' }, '/pattern', /maxLength/],
    ['a long pattern', { pattern: 'a'.repeat(1_001) }, '/pattern', /at most 1,000 characters/],
    ['a name with a slash', { properties: { 'a/b~': { type: 3 } } }, '/properties/a~1b~0/type', /^must be/],
    [
      'too many patterns',
      { properties: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [n, { pattern: `^[a-z]{1,300}${n}$` }])) },
      '/properties/8/pattern',
      /together too large/,
    ],
  ])('names the place of %s and what to write', (_name, schema, pointer, message) => {
    expect(check(schema)).toEqual({ pointer, message: expect.stringMatching(message) });
  });

  it('limits the nesting and the number of schemas; fewer can be enforced', () => {
    let deep: Record<string, unknown> = {};
    for (let n = 0; n < 60; n += 1) deep = { not: deep };
    expect(check(deep)?.message).toMatch(/nested at most 50/);
    const wide = (count: number) => ({
      properties: Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, {}])),
    });
    expect(check(wide(399))).toBeNull();
    expect(check(wide(400))?.message).toMatch(/has 401 schemas .* set enforcement to off/);
    expect(check(wide(4_999), false)).toBeNull();
    expect(check(wide(5_000), false)?.message).toMatch(/at most 5,000/);
  });
});
