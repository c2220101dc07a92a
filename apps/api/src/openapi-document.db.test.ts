import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { Problem, type ProblemCode, PROBLEMS } from '@posthorn/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type TestApi } from './api.test-support.js';

// oxlint-disable-next-line typescript/no-explicit-any
type Any = any;
let api: TestApi;
let document: Any;
let operations: { method: string; path: string; operation: Any }[];
beforeAll(async () => {
  api = await openTestApi();
  document = api.document;
  operations = Object.entries<Any>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Any>(methods).map(([method, operation]) => ({ method, path, operation })),
  );
});
afterAll(() => api.close());

/** Yields every nested object with its path. */
function* within(value: Any, path = '#'): Generator<[string, Any]> {
  if (typeof value !== 'object' || value === null) return;
  yield [path, value];
  for (const [key, child] of Object.entries(value))
    yield* within(child, `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
}

/** A schema with all its subschemas. */
function* subschemas(schema: Any, path: string): Generator<[string, Any]> {
  if (typeof schema !== 'object') return;
  yield [path, schema];
  for (const key of ['items', 'additionalProperties', 'propertyNames'])
    if (schema[key]) yield* subschemas(schema[key], `${path}/${key}`);
  for (const key of ['properties', 'anyOf']) {
    for (const [name, child] of Object.entries(schema[key] ?? {})) yield* subschemas(child, `${path}/${key}/${name}`);
  }
}

const at = (pointer: string): Any =>
  pointer
    .slice(2)
    .split('/')
    .reduce<Any>((value, step) => value?.[step.replaceAll('~1', '/').replaceAll('~0', '~')], document);

const undefinedIn = (found: [string, Any][]): string[] =>
  found.filter(([, value]) => value === undefined || value === '').map(([path]) => path);

describe('/openapi.json', () => {
  it('is OpenAPI 3.1.0 with a relative server, both kinds of key, and the webhooks', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.servers).toEqual([{ url: '/' }]);
    expect(Object.keys(document.components.securitySchemes)).toEqual([
      'operatorKey',
      'accountKey',
      'sessionCookie',
      'portalToken',
      'papercupsToken',
    ]);
    expect(Object.keys(document.webhooks)).toEqual([
      'message:created',
      'conversation:created',
      'conversation:updated',
      'subscription:disabled',
      'subscription:failing',
      'subscription:recovered',
      'delivery:failed',
      'webhook:verify',
    ]);
    expect(document.info.version).toBe('test');
  });

  // After a change of the API: npm test -- apps/api/src/openapi-document --update
  it('equals packages/client/openapi.json, from which the clients are generated', async () => {
    const client = new URL('../../../packages/client/', import.meta.url);
    const { version } = JSON.parse(readFileSync(new URL('package.json', client), 'utf8'));
    const served = { ...document, info: { ...document.info, version } };
    await expect(`${JSON.stringify(served, null, 1)}\n`).toMatchFileSnapshot(
      fileURLToPath(new URL('openapi.json', client)),
    );
  });

  it('has a target for every $ref', () => {
    const broken = [...within(document)].filter(([, { $ref }]) => typeof $ref === 'string' && at($ref) === undefined);
    expect(broken).toEqual([]);
  });

  it('regression: documents the rejection of a body for every operation that may receive one', () => {
    const silent = operations
      .filter(({ method, operation }) => method !== 'get' && !operation.responses['422'])
      .map(({ operation }) => operation.operationId);
    expect(silent).toEqual([]);
  });

  it('gives every operation a unique id, a summary, a declared tag and its security', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-zA-Z]+\.[a-zA-Z]+$/);
    expect(undefinedIn(operations.map(({ path, operation }) => [path, operation.summary]))).toEqual([]);
    expect(undefinedIn(operations.map(({ path, operation }) => [path, operation.security]))).toEqual([]);
    const tags = new Set(document.tags.map(({ name }: Any) => name));
    expect(operations.filter(({ operation }) => !operation.tags?.every((tag: string) => tags.has(tag)))).toEqual([]);
  });

  it('declares, requires and describes every path parameter', () => {
    for (const { path, operation } of operations) {
      const declared = (operation.parameters ?? []).filter((parameter: Any) => parameter.in === 'path');
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect([path, declared.map(({ name }: Any) => name).toSorted()]).toEqual([path, names.toSorted()]);
      expect(declared.every((parameter: Any) => parameter.required && parameter.description)).toBe(true);
    }
  });

  it('describes every response, with X-Request-Id, and every error as a problem (Papercups has its own format)', () => {
    for (const { path, operation } of operations) {
      for (const [status, response] of Object.entries<Any>(operation.responses)) {
        expect([path, status, response.description]).not.toEqual([path, status, 'Default Response']);
        expect(response.description.length).toBeGreaterThan(2);
        expect(response.headers['X-Request-Id']).toBeDefined();
        const isProblem = Number(status) >= 400 && path.startsWith('/v1');
        if (isProblem)
          expect(response.content).toEqual({
            'application/problem+json': {
              schema: { $ref: '#/components/schemas/Problem' },
              examples: expect.anything(),
            },
          });
      }
    }
  });

  it('has an example of each error that an operation may return: a problem with this code and status', () => {
    for (const { path, operation } of operations.filter(({ path: one }) => one.startsWith('/v1'))) {
      for (const [status, { description, content }] of Object.entries<Any>(operation.responses)) {
        if (Number(status) < 400) continue;
        const examples = Object.entries<Any>(content['application/problem+json'].examples);
        expect([path, status, examples.map(([code]) => `\`${code}\``)]).toEqual([
          path,
          status,
          description.match(/`\w+`(?=: )/g),
        ]);
        for (const [code, { $ref }] of examples) {
          const { title } = PROBLEMS[code as ProblemCode];
          expect(Problem.parse(at($ref).value)).toMatchObject({ code, status: Number(status), title });
        }
      }
    }
  });

  // Compiles several hundred schemas.
  it('has only schemas that compile, with valid examples', () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    formats.default(ajv);
    ajv.addSchema({ $id: 'document', ...document });
    const roots = [...within(document)].filter(([path]) => /\/schema$|^#\/components\/schemas\/[^/]+$/.test(path));
    // A schema compiles with its subschemas, so these need to be compiled alone only for their examples.
    const withExamples = roots
      .flatMap(([path, schema]) => [...subschemas(schema, path)])
      .filter(([, { examples }]) => examples);
    const schemas = new Map([...roots, ...withExamples]);
    expect(schemas.size).toBeGreaterThan(300);
    for (const [path, { examples = [] }] of schemas) {
      const validate = ajv.getSchema(
        `document${path.split('/').map(encodeURIComponent).join('/').replace('%23', '#')}`,
      );
      expect([path, validate === undefined]).toEqual([path, false]);
      for (const example of examples) expect([path, validate?.(example), validate?.errors]).toEqual([path, true, null]);
    }
  });

  it('says that half of a surrogate pair in a payload is kept, and that strict parsers reject it (A6)', () => {
    expect(JSON.stringify(document.components.schemas)).toContain(
      'is kept too, and strict JSON parsers of endpoints reject it on every attempt',
    );
  });

  it('requires every body except optional ones', () => {
    const optional = operations
      .filter(({ operation }) => operation.requestBody?.required === false)
      .map(({ operation }) => operation.operationId);
    expect(optional).toEqual(['subscriptions.disable', 'subscriptions.rotateSecret', 'subscriptions.test']);
  });
});
