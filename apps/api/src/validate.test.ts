import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InvalidRequest } from './errors.js';
import { InvalidInput, validatorCompiler } from './validate.js';

const Body = z.strictObject({ url: z.string(), events: z.array(z.string()).optional() });

const validate = validatorCompiler({ schema: Body, method: 'POST', url: '/', httpPart: 'body' });

function refusal(data: unknown): InvalidInput {
  const result = validate(data);
  if (typeof result === 'object' && 'error' in result && result.error instanceof InvalidInput) return result.error;
  throw new Error('it was accepted');
}
const problem = ({ errors, count }: InvalidInput) => new InvalidRequest(errors, { count });
const unknownFields = (count: number, name = 'field') =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}`, 1]));

describe('the errors of a request', () => {
  it('are all listed up to twenty', () => {
    const { errors, count } = refusal(unknownFields(19));
    expect([errors.length, count]).toEqual([20, 20]);
    expect(errors.map(({ path }) => path)).toContain('field18');
  });

  it('are at most twenty: the last one counts the rest, as does the detail', () => {
    const unknown = refusal(unknownFields(8_000));
    expect(unknown.errors).toHaveLength(20);
    expect(unknown.errors.at(-1)).toEqual({ path: '', message: 'has 7982 more errors' });
    expect(problem(unknown).message).toMatch(/^url is required\. \(And 8000 more\.\)$/);
    const wrong = refusal({ url: '', events: Array.from({ length: 1_000 }, () => 7) });
    expect(wrong.errors).toHaveLength(20);
    expect(wrong.errors.at(-1)).toEqual({ path: '', message: 'has 981 more errors' });
  });

  it('repeat only the beginning of a long name', () => {
    const { errors, message } = problem(refusal({ url: '', ...unknownFields(30, 'x'.repeat(4_000)) }));
    expect(errors[0]?.path).toBe(`${'x'.repeat(120)}…`);
    expect(JSON.stringify({ errors, message }).length).toBeLessThan(6_000);
  });
});
