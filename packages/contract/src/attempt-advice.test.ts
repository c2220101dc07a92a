import { describe, expect, it } from 'vitest';
import { attemptAdvice, type AttemptProblem } from './attempt-advice.js';
import { ATTEMPT_OUTCOMES, type AttemptOutcome } from './delivery-status.js';

describe('attemptAdvice', () => {
  it.each<[statusCode: number, AttemptProblem]>([
    [401, 'access_denied'],
    [403, 'access_denied'],
    [404, 'wrong_route'],
    [405, 'wrong_route'],
    [408, 'request_timeout'],
    [410, 'gone'],
    [413, 'body_too_large'],
    [429, 'too_many_requests'],
    [400, 'client_error'],
    [422, 'client_error'],
    [499, 'client_error'],
    [500, 'server_error'],
    [503, 'server_error'],
    [599, 'server_error'],
  ])('names the problem of the status %i: %s', (statusCode, problem) => {
    expect(attemptAdvice({ outcome: 'http_error', statusCode, error: null })?.problem).toBe(problem);
  });

  it.each<[error: string | null, AttemptProblem]>([
    ['The certificate of hooks.example.com has expired (CERT_HAS_EXPIRED). Renew it.', 'certificate_expired'],
    ['The certificate of x is not valid yet (CERT_NOT_YET_VALID). Install one.', 'certificate_not_yet_valid'],
    [
      'The certificate of x is for another name (DNS:other.example.com) (ERR_TLS_CERT_ALTNAME_INVALID). Install one.',
      'certificate_name',
    ],
    ['The certificate of x is for another name (HOSTNAME_MISMATCH). Install one.', 'certificate_name'],
    ['The certificate of x is self-signed (DEPTH_ZERO_SELF_SIGNED_CERT). Install one.', 'certificate_self_signed'],
    ['Private authority (SELF_SIGNED_CERT_IN_CHAIN). Install one.', 'certificate_private_authority'],
    ['The chain is incomplete (UNABLE_TO_VERIFY_LEAF_SIGNATURE). Install the full chain.', 'certificate_chain'],
    ['The chain is incomplete (UNABLE_TO_GET_ISSUER_CERT). Install the full chain.', 'certificate_chain'],
    ['The chain is incomplete (UNABLE_TO_GET_ISSUER_CERT_LOCALLY). Install the full chain.', 'certificate_chain'],
    ['The certificate of x has been revoked (CERT_REVOKED). Install a new one.', 'certificate_revoked'],
    ['x supports only outdated versions of TLS (ERR_SSL_UNSUPPORTED_PROTOCOL). Turn on TLS 1.2 or 1.3.', 'tls'],
    ['No secure connection to x (constructor). Check the certificate.', 'tls'],
    [null, 'tls'],
  ])('names the problem of a TLS error by its code: %s', (error, problem) => {
    expect(attemptAdvice({ outcome: 'tls_error', statusCode: null, error })?.problem).toBe(problem);
  });

  it.each<[AttemptOutcome, AttemptProblem]>([
    ['redirect', 'redirect'],
    ['timeout', 'timeout'],
    ['dns_error', 'dns'],
    ['connect_error', 'connection'],
    ['blocked', 'blocked'],
    ['bad_response', 'bad_response'],
    ['aborted', 'aborted'],
  ])('names the problem of the outcome %s', (outcome, problem) => {
    expect(attemptAdvice({ outcome, statusCode: null, error: null })?.problem).toBe(problem);
  });

  it('gives advice for every outcome but ok', () => {
    const silent = ATTEMPT_OUTCOMES.filter(
      (outcome) => attemptAdvice({ outcome, statusCode: null, error: null }) === null,
    );
    expect(silent).toEqual(['ok']);
  });

  it('keeps each sentence within 25 words', () => {
    const statuses = [400, 401, 404, 408, 410, 413, 429, 500].map((statusCode) => ({
      outcome: 'http_error' as const,
      statusCode,
    }));
    const others = ATTEMPT_OUTCOMES.map((outcome) => ({ outcome, statusCode: null }));
    const sentences = [...statuses, ...others]
      .map((attempt) => attemptAdvice({ ...attempt, error: null }))
      .flatMap((advice) => (advice === null ? [] : [advice.cause, advice.fix]))
      .flatMap((text) => text.split(/(?<=\.) /));
    expect(sentences.filter((sentence) => sentence.split(' ').length > 25)).toEqual([]);
  });
});
