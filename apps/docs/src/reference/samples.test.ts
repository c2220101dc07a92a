import { expect, it } from 'vitest';
import type { OpenApi, Operation, Parameter } from './document.js';
import { samplesOf } from './samples.js';

const DOCUMENT = { components: { schemas: {} } } as unknown as OpenApi;
const parameter = (name: string, where: string, example?: string): Parameter => ({
  name,
  in: where,
  required: true,
  schema: { type: 'string', ...(example !== undefined && { examples: [example] }) },
});
const samplesFor = (path: string, operation: Partial<Operation>) =>
  samplesOf(
    {
      method: 'get',
      path,
      operation: { operationId: 'test', summary: '', tags: [], responses: {}, ...operation },
    },
    DOCUMENT,
  ).map(({ code }) => code);

it('puts examples of required parameters into the URL', () => {
  const parameters = [parameter('id', 'path', 'sub_1'), parameter('q', 'query', 'a b&c')];
  for (const code of samplesFor('/v1/things/{id}', { parameters }))
    expect(code).toMatch(/(['"])https:\/\/hooks\.example\.com\/v1\/things\/sub_1\?q=a%20b%26c\1/);
});

it.each(['path', 'query'])('throws for a required parameter without an example: %s', (where) => {
  expect(() => samplesFor('/v1/things/{id}', { parameters: [parameter('id', where)] })).toThrow();
});

it('prints a stream while it arrives, since its response has no end', () => {
  const responses = { 200: { description: '', content: { 'text/event-stream': {} } } };
  const [curl = '', node = '', python = ''] = samplesFor('/v1/stream', { responses });
  expect(curl).toContain('curl -N ');
  expect(node).toContain('for await');
  expect(python).toContain('for line in');
  expect(node + python).not.toMatch(/\.text\(\)|\.read\(\)/);
});
