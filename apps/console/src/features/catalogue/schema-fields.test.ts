import { describe, expect, it } from 'vitest';
import { schemaFields } from './schema-fields.js';

const rows = (schema: Record<string, unknown>) =>
  schemaFields(schema).fields.map(({ path, type, isRequired, rules }) =>
    [`${path}${isRequired ? '!' : ''}`, type, ...rules].join(' | '),
  );

describe('schemaFields', () => {
  it('lists nested fields, lists and required ones in the order of the schema', () => {
    expect(
      rows({
        required: ['id'],
        properties: {
          id: { type: 'string', pattern: '^in_' },
          status: { enum: ['open', 'paid'], default: 'open' },
          lines: {
            type: 'array',
            items: { type: 'object', required: ['sku'], properties: { sku: { type: ['string', 'null'] } } },
          },
          any: true,
        },
      }),
    ).toEqual([
      'id! | string | pattern ^in_',
      'status |  | one of "open", "paid" | default "open"',
      'lines | array of object',
      'lines[].sku! | string or null',
      'any | ',
    ]);
  });

  it('follows references, allOf and alternatives, and stops at recursion', () => {
    const schema = {
      $ref: '#/$defs/node',
      $defs: {
        node: {
          allOf: [{ $ref: '#/$defs/named' }, { required: ['name'] }],
          properties: {
            parent: { $ref: '#/$defs/node' },
            owner: { anyOf: [{ $ref: '#/$defs/named' }, { type: 'null' }] },
          },
        },
        named: { type: 'object', properties: { name: { type: 'string', description: 'Its name.' } } },
      },
    };
    expect(rows(schema)).toEqual(['parent | ', 'owner | object or null', 'owner.name | string', 'name! | string']);
    expect(schemaFields(schema).isCut).toBe(true);
    expect(schemaFields(schema).fields.at(-1)?.description).toBe('Its name.');
  });

  it('shows at most 200 fields, also of a schema that doubles at each level', () => {
    const wide = { properties: Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`p${n}`, {}])) };
    expect(schemaFields(wide)).toMatchObject({ isCut: true, fields: { length: 200 } });
    const defs = Object.fromEntries(
      Array.from({ length: 30 }, (_, n) => [
        `d${n}`,
        { properties: { a: { $ref: `#/$defs/d${n + 1}` }, b: { $ref: `#/$defs/d${n + 1}` } } },
      ]),
    );
    expect(schemaFields({ $ref: '#/$defs/d0', $defs: defs })).toMatchObject({ isCut: true, fields: { length: 200 } });
  });

  it.each(['allOf', 'anyOf', 'items'])('ends for a schema that doubles at each %s', (keyword) => {
    const both = (n: number) => {
      const refs = [{ $ref: `#/$defs/d${n}` }, { $ref: `#/$defs/d${n}` }];
      return keyword === 'items' ? { items: { anyOf: refs } } : { [keyword]: refs };
    };
    const defs = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`d${n}`, both(n + 1)]));
    expect(schemaFields({ properties: { a: { $ref: '#/$defs/d0' } }, $defs: defs }).isCut).toBe(true);
  });

  it('shows nothing for references that lead nowhere, and for values that are not schemas', () => {
    expect(rows({ $ref: '#/$defs/no', properties: 3, allOf: [4], anyOf: null })).toEqual([]);
    expect(rows({ properties: { a: { $ref: 'https://example.com/' }, b: { $ref: '#/%zz' } } })).toEqual([
      'a | ',
      'b | ',
    ]);
  });
});
