import { expect, it } from 'vitest';
import type { OpenApi, Schema } from './document.js';
import { exampleOf } from './example.js';

const documentOf = (schemas: Record<string, Schema>) => ({ components: { schemas } }) as unknown as OpenApi;
const name = (one: string): Schema => ({ $ref: `#/components/schemas/${one}` });

it('prefers the example of a schema', () => {
  const document = documentOf({ Event: { examples: [{ id: 'evt_1' }], properties: { id: { type: 'string' } } } });
  expect(exampleOf({ items: name('Event') }, document)).toEqual([{ id: 'evt_1' }]);
});

it('makes an example of the parts of a schema', () => {
  const document = documentOf({ Part: { properties: { count: { type: 'integer' } } } });
  const schema: Schema = {
    properties: {
      at: { type: 'string', format: 'date-time' },
      kind: { enum: ['a', 'b'] },
      part: { anyOf: [name('Part'), { type: 'null' }] },
      rate: { type: ['integer', 'null'], minimum: 1 },
      tags: { items: { type: 'string', examples: ['x'] } },
      is: { type: 'boolean' },
    },
  };
  expect(exampleOf(schema, document)).toEqual({
    at: '2026-11-21T18:55:00.000Z',
    kind: 'a',
    part: { count: 0 },
    rate: 1,
    tags: ['x'],
    is: false,
  });
});

it('ends at a schema that contains itself', () => {
  const document = documentOf({ Node: { properties: { next: name('Node') } } });
  expect(exampleOf(name('Node'), document)).toEqual({ next: {} });
});

it('throws for a name that the document does not have', () => {
  expect(() => exampleOf(name('Gone'), documentOf({}))).toThrow('the document has no schema Gone');
});
