import { describe, expect, it } from 'vitest';
import { ATTENTION_REASONS } from './attention.js';
import { ATTEMPT_OUTCOMES, ATTEMPT_TRIGGERS, DELIVERY_STATUSES } from './delivery-status.js';
import { SCOPES } from './scopes.js';
import { SUBSCRIPTION_STATUSES, Verification } from './subscription.js';
import {
  attentionWords,
  DELIVERY_WORDS,
  DISABLED_REASONS,
  explainVerification,
  fill,
  OUTCOME_TITLES,
  OUTCOME_WORDS,
  SCOPE_WORDS,
  SUBSCRIPTION_WORDS,
  TRIGGER_WORDS,
  verificationWords,
  WAITING_HELP,
  WAITING_WORDS,
} from './vocabulary.js';
import { WAITING_STATES } from './waiting.js';

describe('vocabulary', () => {
  it('has words for exactly the statuses, triggers, outcomes and scopes of the contract', () => {
    expect(Object.keys(SUBSCRIPTION_WORDS)).toEqual([...SUBSCRIPTION_STATUSES]);
    expect(Object.keys(DELIVERY_WORDS)).toEqual([...DELIVERY_STATUSES]);
    expect(Object.keys(TRIGGER_WORDS)).toEqual([...ATTEMPT_TRIGGERS]);
    expect(Object.keys(OUTCOME_TITLES)).toEqual([...ATTEMPT_OUTCOMES]);
    expect(Object.keys(OUTCOME_WORDS)).toEqual([...ATTEMPT_OUTCOMES]);
    expect(Object.keys(WAITING_WORDS)).toEqual(Object.keys(WAITING_STATES));
    expect(Object.keys(WAITING_HELP)).toEqual(Object.keys(WAITING_STATES));
    expect(Object.keys(SCOPE_WORDS)).toEqual([...SCOPES]);
    expect(Object.keys(DISABLED_REASONS)).toEqual(['manual', 'failing', 'gone']);
  });

  it('explains every reason that the contract names for a failed verification', () => {
    const named = [...(Verification.shape.reason.description ?? '').matchAll(/`(\w+)`/g)].map(([, reason]) => reason);
    expect(named.length).toBeGreaterThan(9);
    expect(named.filter((reason) => explainVerification({ reason: reason ?? '', statusCode: 404 }) === null)).toEqual(
      [],
    );
    expect(explainVerification({ reason: 'toString', statusCode: null })).toBeNull();
  });

  it('shows the error of the attempt when no response arrived, and explains a wrong response by its reason', () => {
    const error = 'The certificate of hooks.example.com has expired (CERT_HAS_EXPIRED). Renew it.';
    expect(verificationWords({ reason: 'tls_error', statusCode: null, error })).toEqual({
      title: OUTCOME_TITLES.tls_error,
      sentences: [error],
    });
    expect(verificationWords({ reason: 'mismatch', statusCode: 200, error: 'x' }).sentences).toEqual([
      expect.stringContaining('returns the same body for every event'),
      expect.stringContaining('return only the payload'),
    ]);
    expect(verificationWords({ reason: null, statusCode: null, error: null })).toEqual({
      title: 'Verification failed',
      sentences: [],
    });
  });

  it.each([
    { statusCode: 400, cause: 'does not know the event webhook:verify' },
    { statusCode: 401, cause: 'requires a login or a token' },
    { statusCode: 403, cause: 'requires a login or a token' },
    { statusCode: 404, cause: 'The path is wrong' },
    { statusCode: 405, cause: 'no POST route' },
    { statusCode: 408, cause: 'stopped waiting' },
    { statusCode: 410, cause: 'does not know the event webhook:verify' },
    { statusCode: 413, cause: 'exceeds a limit' },
    { statusCode: 429, cause: 'more requests than it allows' },
    { statusCode: 500, cause: 'The handler failed' },
    { statusCode: 503, cause: 'The handler failed' },
  ])('explains why a verification failed with status $statusCode', ({ statusCode, cause }) => {
    const { title, sentences } = verificationWords({ reason: 'status', statusCode, error: 'x' });
    expect(fill(title, { status: statusCode })).toBe(`Endpoint returned ${statusCode} (expected 2xx)`);
    expect(sentences).toEqual([expect.stringContaining(cause), expect.stringMatching(/^[A-Z].+\.$/)]);
    expect(sentences[1]).not.toMatch(/retry|Retry-After|disabled/);
  });

  it('says what to do about each webhook that needs attention', () => {
    for (const reason of ATTENTION_REASONS)
      expect(attentionWords({ reason, detail: null }).text).toMatch(/^[A-Z].+\.$/);
    expect(attentionWords({ reason: 'disabled', detail: 'gone' })).toBe(DISABLED_REASONS['gone']);
    expect(attentionWords({ reason: 'unverified', detail: 'mismatch' }).text).toContain('return only the payload');
  });

  it('fills in known values, and never shows undefined', () => {
    expect(fill('Endpoint returned {status}, not {other}', { status: 503 })).toBe('Endpoint returned 503, not …');
  });
});
