import { expect, it } from 'vitest';
import { exampleOfSchema } from './example-of-schema.js';

const schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['id', 'status', 'customer'],
  properties: {
    id: { type: 'string', pattern: '^ord_[0-9]{4}$' },
    status: { enum: ['open', 'closed'] },
    total: { type: ['string', 'null'], examples: ['12.50'] },
    count: { type: 'integer', minimum: 3 },
    paid: { type: 'boolean', default: true },
    lines: { type: 'array', minItems: 2, items: { type: 'string', minLength: 2 } },
    customer: { $ref: '#/$defs/customer' },
  },
  $defs: { customer: { type: 'object', properties: { name: { const: 'Ada' }, friend: { $ref: '#/$defs/customer' } } } },
};

it('makes an example from the examples, choices, patterns and references of a schema', async () => {
  expect(JSON.parse(await exampleOfSchema(schema))).toMatchObject({
    id: expect.stringMatching(/^ord_[0-9]{4}$/) as string,
    status: 'open',
    total: '12.50',
    count: 3,
    paid: true,
    lines: [expect.any(String), expect.any(String)],
    customer: { name: 'Ada' },
  });
});

it.each([
  [{ type: 'array', items: { type: 'string' } }, 'does not describe an object'],
  [{ type: 'object', properties: { customer: { $ref: '#/$defs/missing' } } }, 'Invalid reference'],
])('says why the schema %j has none', async (impossible, reason) => {
  await expect(exampleOfSchema(impossible)).rejects.toThrow(reason);
});
