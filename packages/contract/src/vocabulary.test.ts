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
  OUTCOME_WORDS,
  SCOPE_WORDS,
  SUBSCRIPTION_WORDS,
  TRIGGER_WORDS,
  verificationWords,
  WAITING_WORDS,
} from './vocabulary.js';
import { WAITING_STATES } from './waiting.js';

describe('vocabulary', () => {
  it('has words for every status, trigger and outcome of the contract, and for no other', () => {
    expect(Object.keys(SUBSCRIPTION_WORDS)).toEqual([...SUBSCRIPTION_STATUSES]);
    expect(Object.keys(DELIVERY_WORDS)).toEqual([...DELIVERY_STATUSES]);
    expect(Object.keys(TRIGGER_WORDS)).toEqual([...ATTEMPT_TRIGGERS]);
    expect(Object.keys(OUTCOME_WORDS)).toEqual([...ATTEMPT_OUTCOMES]);
    expect(Object.keys(WAITING_WORDS)).toEqual(Object.keys(WAITING_STATES));
    expect(Object.keys(SCOPE_WORDS)).toEqual([...SCOPES]);
    expect(Object.keys(DISABLED_REASONS)).toEqual(['manual', 'failing', 'gone']);
  });

  it('explains every reason that the contract names for a failed verification', () => {
    const named = [...(Verification.shape.reason.description ?? '').matchAll(/`(\w+)`/g)].map(([, reason]) => reason);
    expect(named.length).toBeGreaterThan(9);
    expect(named.filter((reason) => explainVerification(reason ?? '') === null)).toEqual([]);
    expect(explainVerification('toString')).toBeNull();
  });

  it('says of a failed verification what the attempt knows, and of a wrong response what the words do', () => {
    const error = 'The certificate of hooks.example.com has expired (CERT_HAS_EXPIRED). Renew it.';
    expect(verificationWords({ reason: 'tls_error', error })).toEqual({
      title: OUTCOME_WORDS.tls_error.title,
      sentences: [error],
    });
    expect(verificationWords({ reason: 'mismatch', error: 'x' }).sentences).toEqual([
      expect.stringContaining('answers every event alike'),
      expect.stringContaining('the payload itself'),
    ]);
    expect(verificationWords({ reason: null, error: null })).toEqual({
      title: 'The verification failed',
      sentences: [],
    });
  });

  it('says of each subscription that needs attention what to do about it', () => {
    for (const reason of ATTENTION_REASONS)
      expect(attentionWords({ reason, detail: null }).text).toMatch(/^[A-Z].+\.$/);
    expect(attentionWords({ reason: 'disabled', detail: 'gone' })).toBe(DISABLED_REASONS['gone']);
    expect(attentionWords({ reason: 'unverified', detail: 'mismatch' }).text).toContain(
      'answer with the payload itself',
    );
  });

  it('fills what is known in, and tells no undefined', () => {
    expect(fill('It answered {status}, not {wanted}', { status: 503 })).toBe('It answered 503, not …');
  });
});
