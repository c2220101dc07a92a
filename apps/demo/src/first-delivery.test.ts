import { ApiProblem, ApiUnreachable, type ProblemCode } from '@posthorn/client';
import { expect, test } from 'vitest';
import { describeProblem } from './first-delivery.js';

const problem = (status: number, code: ProblemCode, message: string) =>
  new ApiProblem(message, { status, code, errors: [], requestId: null, retryAfterMs: null });

test('an API that is not responding is a problem only after 15 s', () => {
  const error = new ApiUnreachable('The API at http://127.0.0.1:3400 is not responding.');
  expect(describeProblem(error, 14_999)).toBeNull();
  expect(describeProblem(error, 15_000)).toBe('The API at http://127.0.0.1:3400 is not responding. Retrying.');
});

test('reports a forbidden endpoint URL immediately, with the settings that forbid it', () => {
  const error = problem(422, 'url_not_allowed', 'The URL leads to a private address.');
  expect(describeProblem(error, 0)).toBe(
    'ALLOW_PRIVATE_NETWORKS or REQUIRE_HTTPS forbids the URL of the demo’s endpoint: The URL leads to a private address.',
  );
});

test('reports a wrong operator key immediately', () => {
  expect(describeProblem(problem(401, 'unauthenticated', 'No.'), 0)).toContain('POSTHORN_OPERATOR_KEY');
});
