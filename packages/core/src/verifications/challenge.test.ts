import type { PostResult } from '@posthorn/sender';
import { describe, expect, it } from 'vitest';
import { handshakeBody, judgeResponse, newChallenge } from './challenge.js';

const C = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function resultOf(body: string, extra: Partial<PostResult> = {}): PostResult {
  return {
    outcome: 'ok',
    statusCode: 200,
    startedAt: new Date(),
    durationMs: 1,
    timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null },
    remoteAddress: null,
    request: null,
    responseHeaders: {},
    body: Buffer.from(body),
    bodyTruncated: false,
    bodyTooLarge: false,
    retryAfter: null,
    errorCode: null,
    error: null,
    ...extra,
  };
}
const verdict = (result: PostResult, challenge = C) => {
  const judged = judgeResponse(result, challenge);
  return judged.verdict === 'failed' ? judged.reason : judged.verdict;
};

describe('handshake', () => {
  it('has exactly the documented bytes', () => {
    expect(handshakeBody(C).toString()).toBe(`{"event":"webhook:verify","payload":"${C}"}`);
    expect(handshakeBody(C)).toHaveLength(103);
  });

  it('challenges are 64 characters of A–Z2–7 and never equal', () => {
    const challenges = Array.from({ length: 200 }, newChallenge);
    expect(challenges.every((challenge) => /^[A-Z2-7]{64}$/.test(challenge))).toBe(true);
    expect(new Set(challenges).size).toBe(200);
  });
});

describe('judgeResponse', () => {
  it.each([
    ['the bare challenge', C],
    ['with white space around', `\n  ${C}\r\n`],
    ['as a JSON string', `"${C}"`],
    ['as a JSON object', `{"challenge":"${C}"}`],
    ['as a JSON object with other keys', `{"ok":true,"challenge":"${C}","n":1}`],
    ['as a JSON object with white space', `{ "challenge" : "${C}" }\n`],
  ])('verified: %s, whatever the content type', (_what, body) => {
    expect(verdict(resultOf(body))).toBe('verified');
    expect(verdict(resultOf(body, { statusCode: 201 }))).toBe('verified');
  });

  it.each([
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff{"challenge":"${C}"}`), 'application/json'],
    ['UTF-16 with a byte order mark', Buffer.from(`\ufeff"${C}"`, 'utf16le'), 'text/plain'],
    ['UTF-16 by its content type', Buffer.from(C, 'utf16le'), 'text/plain; charset=utf-16le'],
  ])('verified: in %s', (_what, body, contentType) => {
    expect(verdict(resultOf('', { body, responseHeaders: { 'content-type': contentType } }))).toBe('verified');
  });

  it('accepts any string as the challenge, for manual tests with PONG', () => {
    expect(verdict(resultOf('PONG'), 'PONG')).toBe('verified');
    expect(verdict(resultOf('{"challenge":"PONG"}'), 'PONG')).toBe('verified');
  });

  it.each([
    ['an empty body', '', 'empty'],
    ['white space only', ' \n', 'empty'],
    ['{"ok":true}', '{"ok":true}', 'mismatch'],
    ['the request echoed whole', `{"event":"webhook:verify","payload":"${C}"}`, 'mismatch'],
    ['an array', `["${C}"]`, 'mismatch'],
    ['a challenge in an array', `{"challenge":["${C}"]}`, 'mismatch'],
    ['inside other text', `your challenge: ${C}`, 'mismatch'],
    ['other letter case', C.toLowerCase(), 'mismatch'],
    ['JSON null', 'null', 'mismatch'],
  ])('failed: %s', (_what, body, reason) => {
    expect(verdict(resultOf(body))).toBe(reason);
  });

  it('requires a 2xx status: an echo with 500 does not verify', () => {
    expect(verdict(resultOf(C, { outcome: 'http_error', statusCode: 500 }))).toBe('status');
    expect(verdict(resultOf(C, { outcome: 'redirect', statusCode: 302 }))).toBe('redirect');
    expect(verdict(resultOf(C, { bodyTooLarge: true }))).toBe('too_large');
  });

  it('a failure says what to do: in the error of the attempt or in one about the handshake', () => {
    const errorOf = (result: PostResult) => {
      const judged = judgeResponse(result, C);
      return judged.verdict === 'failed' ? judged.error : null;
    };
    const attempt = { outcome: 'tls_error', statusCode: null, error: 'The certificate has expired.' } as const;
    expect(errorOf(resultOf('', attempt))).toBe('The certificate has expired.');
    expect(verdict(resultOf('', { ...attempt, outcome: 'bad_response' }))).toBe('bad_response');
    const wrong = [
      resultOf(''),
      resultOf('x'),
      resultOf(C, { bodyTooLarge: true }),
      resultOf(C, { outcome: 'http_error', statusCode: 404 }),
    ];
    for (const result of wrong)
      expect(errorOf(result)).toMatch(/handshake.*Respond to the event webhook:verify with 200/);
  });

  it('a response is final, a missing response is not: retries only failures that may pass', () => {
    const isPassing = (result: PostResult) => {
      const judged = judgeResponse(result, C);
      return judged.verdict === 'failed' && judged.passing;
    };
    for (const outcome of ['timeout', 'dns_error', 'connect_error', 'tls_error', 'bad_response'] as const) {
      expect(isPassing(resultOf('', { outcome, statusCode: null }))).toBe(true);
    }
    expect(isPassing(resultOf('', { outcome: 'http_error', statusCode: 503 }))).toBe(true);
    expect(isPassing(resultOf('', { outcome: 'http_error', statusCode: 404 }))).toBe(false);
    expect(isPassing(resultOf('x'))).toBe(false);
    expect(isPassing(resultOf('', { outcome: 'blocked', statusCode: null }))).toBe(false);
  });
});
