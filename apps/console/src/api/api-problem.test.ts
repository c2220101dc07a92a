import { expect, it } from 'vitest';
import { ApiProblem } from './api-problem.js';

it.each([
  ['This subscription does not exist.', 'This webhook does not exist.'],
  [
    'This is not possible: its subscription was deleted, so no URL is left to send it to.',
    'This is not possible: its webhook was deleted, so no URL is left to send it to.',
  ],
  [
    'This is not possible: a subscription is disabled; resume it first.',
    'This is not possible: a webhook is disabled; enable it first.',
  ],
  [
    '"subscription:failing" is a type of Posthorn’s own events',
    '"subscription:failing" is a type of Posthorn’s own events',
  ],
  ['GET /v1/subscriptions is not allowed', 'GET /v1/subscriptions is not allowed'],
])('a problem “%s” of the API is shown as “%s”', (detail, shown) => {
  expect(new ApiProblem(422, { code: 'invalid_request', detail }).message).toBe(shown);
});

it('names webhooks in the messages of fields, too', () => {
  const errors = [{ path: 'subscriptions', message: 'a subscription is deleted' }];
  expect(new ApiProblem(422, { detail: 'x', errors }).fields.get('subscriptions')).toBe('a webhook is deleted');
});

it('names no setting of the server when an account has too many webhooks', () => {
  const detail = 'The account has reached its limit of 2 subscriptions. Raise MAX_SUBSCRIPTIONS_PER_ACCOUNT.';
  expect(new ApiProblem(409, { code: 'quota_reached', detail }).message).toBe(
    'This account cannot have more webhooks. Delete one first, or ask for a higher limit.',
  );
});
