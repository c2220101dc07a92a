import { expect, test } from 'vitest';
import { describeProblem } from './first-delivery.js';
import { ApiProblem, ApiUnreachable } from './posthorn-api.js';

test('an API that does not answer yet is no problem while everything starts, and one after 15 s', () => {
  const error = new ApiUnreachable('The API at http://127.0.0.1:3400 does not answer.');
  expect(describeProblem(error, 14_999)).toBeNull();
  expect(describeProblem(error, 15_000)).toBe('The API at http://127.0.0.1:3400 does not answer. Trying on.');
});

test('a refused receiver URL is told at once, with the settings that refuse it', () => {
  const error = new ApiProblem(422, 'url_not_allowed', 'The URL leads to a private address.', null);
  expect(describeProblem(error, 0)).toBe(
    'The demo cannot be delivered to, as ALLOW_PRIVATE_NETWORKS or REQUIRE_HTTPS forbids its receiver: The URL leads to a private address.',
  );
});

test('a wrong operator key is told at once', () => {
  expect(describeProblem(new ApiProblem(401, 'unauthenticated', 'No.', null), 0)).toContain('POSTHORN_OPERATOR_KEY');
});
