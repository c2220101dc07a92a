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
    expect(attemptAdvice({ outcome: 'http_error', statusCode, errorCode: null })?.problem).toBe(problem);
  });

  it.each<[errorCode: string | null, AttemptProblem]>([
    ['CERT_HAS_EXPIRED', 'certificate_expired'],
    ['CERT_NOT_YET_VALID', 'certificate_not_yet_valid'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate_name'],
    ['HOSTNAME_MISMATCH', 'certificate_name'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate_self_signed'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate_private_authority'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate_chain'],
    ['UNABLE_TO_GET_ISSUER_CERT', 'certificate_chain'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate_chain'],
    ['CERT_REVOKED', 'certificate_revoked'],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'tls'],
    ['constructor', 'tls'],
    [null, 'tls'],
  ])('names the problem of a TLS error by its code: %s', (errorCode, problem) => {
    expect(attemptAdvice({ outcome: 'tls_error', statusCode: null, errorCode })?.problem).toBe(problem);
  });

  it.each<[errorCode: string | null, AttemptProblem]>([
    ['OAUTH_TOKEN_TIMEOUT', 'token_timeout'],
    ['OAUTH_TOKEN_UNREACHABLE', 'token_unreachable'],
    ['OAUTH_TOKEN_URL_BLOCKED', 'token_url_blocked'],
    ['OAUTH_CLIENT_REFUSED', 'token_client_refused'],
    ['OAUTH_SERVER_ERROR', 'token_server_error'],
    ['OAUTH_RESPONSE_INVALID', 'token_response_invalid'],
    ['CLIENT_CERTIFICATE_EXPIRED', 'client_certificate_expired'],
    ['CLIENT_CERTIFICATE_INVALID', 'client_certificate_invalid'],
    ['CLIENT_CERTIFICATE_NEEDS_HTTPS', 'client_certificate_needs_https'],
    ['constructor', 'authentication'],
    [null, 'authentication'],
  ])('names the problem of an authentication error by its code: %s', (errorCode, problem) => {
    expect(attemptAdvice({ outcome: 'auth_error', statusCode: null, errorCode })?.problem).toBe(problem);
  });

  it('names the problem of a refused token and of a refused client certificate', () => {
    const rejected = { outcome: 'http_error', statusCode: 401, errorCode: 'OAUTH_TOKEN_REJECTED' } as const;
    expect(attemptAdvice(rejected)?.problem).toBe('token_rejected');
    const refused = {
      outcome: 'tls_error',
      statusCode: null,
      errorCode: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    } as const;
    expect(attemptAdvice(refused)?.problem).toBe('client_certificate_refused');
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
    expect(attemptAdvice({ outcome, statusCode: null, errorCode: null })?.problem).toBe(problem);
  });

  it('gives advice for every outcome but ok', () => {
    const silent = ATTEMPT_OUTCOMES.filter(
      (outcome) => attemptAdvice({ outcome, statusCode: null, errorCode: null }) === null,
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
      .map((attempt) => attemptAdvice({ ...attempt, errorCode: null }))
      .flatMap((advice) => (advice === null ? [] : [advice.cause, advice.fix]))
      .flatMap((text) => text.split(/(?<=\.) /));
    expect(sentences.filter((sentence) => sentence.split(' ').length > 25)).toEqual([]);
  });
});
