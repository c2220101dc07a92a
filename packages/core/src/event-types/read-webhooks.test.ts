import { describe, expect, it } from 'vitest';
import { checkSchema } from './check-schema.js';
import { compileSchema } from './compile-schema.js';
import { readWebhooks } from './read-webhooks.js';

const json = (schema: unknown, more: object = {}) => ({
  requestBody: { content: { 'application/json': { schema, ...more } } },
});
const documentOf = (webhooks: object, components: object = {}) => ({ openapi: '3.1.0', webhooks, components });

function readOne(webhook: unknown, components: object = {}) {
  const read = readWebhooks(documentOf({ 'order:paid': webhook }, components));
  if (read.outcome !== 'read') throw new Error(read.message);
  return read.types[0] ?? read.refused[0]?.reason;
}

describe('readWebhooks', () => {
  it('reads the name, description, example, schema and deprecation of each webhook', () => {
    const order = { type: 'object', properties: { id: { type: 'string' } } };
    const post = {
      summary: 'Order paid',
      description: 'An order was paid.',
      deprecated: true,
      ...json(order, { example: { id: 'or_1' } }),
    };
    expect(readOne({ post })).toEqual({
      name: 'order:paid',
      description: 'An order was paid.',
      example: { id: 'or_1' },
      schema: order,
      deprecated: true,
    });
    expect(readOne({ post: { summary: 'Order paid' } })).toMatchObject({
      description: 'Order paid',
      schema: null,
      example: null,
    });
  });

  it('copies the components that a schema refers to, also recursive ones, into $defs', () => {
    const schemas = {
      Order: {
        type: 'object',
        properties: { lines: { type: 'array', items: { $ref: '#/components/schemas/a~1b%20c' } } },
      },
      'a/b c': {
        type: 'object',
        properties: {
          parts: { items: { $ref: '#/components/schemas/a~1b%20c' } },
          id: { $ref: '#/components/schemas/Id/$defs/x' },
        },
      },
      Id: { $defs: { x: { type: 'integer' } } },
      Unused: { type: 'null' },
    };
    const read = readOne({ post: json({ $ref: '#/components/schemas/Order' }) }, { schemas });
    if (typeof read !== 'object' || !('schema' in read) || read.schema === null) throw new Error('no schema');
    expect(Object.keys(read.schema['$defs'] as object).toSorted()).toEqual(['Id', 'Order', 'a/b c']);
    expect(checkSchema(read.schema, { isEnforced: true })).toBeNull();
    const validate = compileSchema(read.schema);
    expect(validate({ lines: [{ parts: [{ id: 1 }] }] })).toEqual([]);
    expect(validate({ lines: [{ parts: [{ id: 'x' }] }] })[0]?.path).toEqual(['lines', '0', 'parts', '0', 'id']);
  });

  it('reads only the payload of Posthorn’s {event, payload}', () => {
    const schemas = {
      Order: { type: 'object', required: ['id'] },
      Body: {
        type: 'object',
        properties: { event: { const: 'order:paid' }, payload: { $ref: '#/components/schemas/Order' } },
      },
    };
    const example = { event: 'order:paid', payload: { id: 1 } };
    const read = readOne(
      { post: json({ $ref: '#/components/schemas/Body' }, { examples: { one: { value: example } } }) },
      { schemas },
    );
    expect(read).toMatchObject({
      example: { id: 1 },
      schema: { $ref: '#/$defs/Order', $defs: { Order: { required: ['id'] } } },
    });
  });

  it('follows references to path items, request bodies and examples', () => {
    const components = {
      pathItems: { paid: { post: { requestBody: { $ref: '#/components/requestBodies/paid' } } } },
      requestBodies: {
        paid: {
          content: {
            'application/vnd.acme+json; charset=utf-8': {
              schema: true,
              examples: { a: { $ref: '#/components/examples/a' } },
            },
          },
        },
      },
      examples: { a: { value: { id: 1 } } },
    };
    expect(readOne({ $ref: '#/components/pathItems/paid' }, components)).toMatch(/must be a JSON object/);
    (components.requestBodies.paid.content['application/vnd.acme+json; charset=utf-8'] as { schema: unknown }).schema =
      {};
    expect(readOne({ $ref: '#/components/pathItems/paid' }, components)).toMatchObject({
      schema: {},
      example: { id: 1 },
    });
  });

  it.each<[string, unknown, RegExp]>([
    ['no post', { get: {} }, /has no post/],
    [
      'another media type',
      { post: { requestBody: { content: { 'text/plain': {} } } } },
      /no content application\/json/,
    ],
    [
      'a remote reference',
      { post: json({ properties: { a: { $ref: 'https://example.com/a' } } }) },
      /https:\/\/example\.com\/a must lead to #\/components\/schemas/,
    ],
    ['a remote path item', { $ref: 'other.yml#/a' }, /must begin with #\/: nothing is fetched/],
    ['a reference to nothing', { post: json({ $ref: '#/components/schemas/A' }) }, /leads to nothing/],
    ['a reference to the prototype', { post: json({ $ref: '#/components/schemas/constructor' }) }, /leads to nothing/],
    ['a reference to itself', { $ref: '#/webhooks/order:paid' }, /refers to itself/],
    ['a webhook that is a text', 'post', /must be a JSON object/],
  ])('refuses a webhook with %s', (_name, webhook, reason) => {
    expect(readOne(webhook, { schemas: {} })).toMatch(reason);
  });

  it('refuses names that no event type may have, and keeps the others', () => {
    const webhooks = {
      'New order': { post: {} },
      'webhook:verify': { post: {} },
      'delivery:failed': { post: {} },
      'order.paid': { post: {} },
    };
    const read = readWebhooks(documentOf(webhooks));
    expect(read).toMatchObject({
      types: [{ name: 'order.paid' }],
      refused: [{ name: 'New order' }, { name: 'webhook:verify' }, { name: 'delivery:failed' }],
    });
  });

  it('stops at components that grow without limit', () => {
    const schemas = Object.fromEntries(
      Array.from({ length: 20 }, (_, n) => [
        `s${n}`,
        { enum: Array.from({ length: 6_000 }, (_two, m) => m), allOf: [{ $ref: `#/components/schemas/s${n + 1}` }] },
      ]),
    );
    expect(readOne({ post: json({ $ref: '#/components/schemas/s0' }) }, { schemas: { ...schemas, s20: {} } })).toMatch(
      /too large/,
    );
  });

  it.each([
    [{ openapi: '3.0.3', webhooks: { a: {} } }, 'openapi'],
    [{ swagger: '2.0' }, 'openapi'],
    [{ openapi: '3.1.0' }, 'webhooks'],
    [{ openapi: '3.1.0', webhooks: {} }, 'webhooks'],
    [{ openapi: '3.1.0', webhooks: [] }, 'webhooks'],
    [
      { openapi: '3.1.0', webhooks: { a: {} }, jsonSchemaDialect: 'http://json-schema.org/draft-07/schema#' },
      'jsonSchemaDialect',
    ],
  ])('names the field of a document without webhooks: %j', (document, path) => {
    expect(readWebhooks(document)).toMatchObject({ outcome: 'not_openapi', path });
  });
});
