import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { checkSignature, decideResponse, readEvent } from './endpoint.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = 'whsec_plJ3nmyCDGBKInavdOK15jsl';
const body = Buffer.from('{"event":"message:created","payload":{"n":12345678901234567890,"text":"Grüße"}}');

/** Signed with nothing but node:crypto, so that library and test do not share a mistake. */
function signed(rawBody: Buffer, { secret = SECRET, at = Date.now() } = {}) {
  const id = 'evt_01jd4q8y3ne9mav5w2xkq7rf0c';
  const timestamp = String(Math.floor(at / 1000));
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(rawBody).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

describe('checkSignature', () => {
  test('accepts a signature of any of the secrets', () => {
    expect(checkSignature([OTHER, SECRET], signed(body), body)).toEqual({ valid: true });
  });

  test('accepts a request with two signatures, as during a rotation', () => {
    const headers = signed(body);
    const both = `${signed(body, { secret: OTHER })['webhook-signature']} ${headers['webhook-signature']}`;
    expect(checkSignature([SECRET], { ...headers, 'webhook-signature': both }, body)).toEqual({ valid: true });
  });

  test.each([
    ['another secret', [OTHER], signed(body), body],
    ['no secret known', [], signed(body), body],
    ['one byte more', [SECRET], signed(body), Buffer.concat([body, Buffer.from(' ')])],
    [
      'the same JSON, serialized again',
      [SECRET],
      signed(body),
      Buffer.from(JSON.stringify(JSON.parse(body.toString()))),
    ],
    ['six minutes old', [SECRET], signed(body, { at: Date.now() - 6 * 60_000 }), body],
    ['six minutes ahead', [SECRET], signed(body, { at: Date.now() + 6 * 60_000 }), body],
    ['another id', [SECRET], { ...signed(body), 'webhook-id': 'evt_other' }, body],
    ['no headers', [SECRET], {}, body],
  ])('refuses with a reason: %s', (_what, secrets, headers, rawBody) => {
    expect(checkSignature(secrets, headers, rawBody)).toEqual({ valid: false, reason: expect.stringMatching(/./) });
  });
});

describe('decideResponse', () => {
  const valid = { valid: true } as const;

  test.each([
    ['normal', 200, 0],
    ['fail', 500, 0],
    ['slow3', 200, 3000],
    ['slow20', 200, 20_000],
    ['gone', 410, 0],
  ] as const)('event in mode %s: status %i after %i ms', (mode, status, delayMs) => {
    expect(decideResponse({ signature: valid, rawBody: body, mode })).toMatchObject({ status, delayMs });
  });

  test.each(['normal', 'fail', 'slow3', 'slow20', 'gone'] as const)(
    'echoes the verification immediately in mode %s',
    (mode) => {
      const rawBody = Buffer.from('{"event":"webhook:verify","payload":"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"}');
      expect(decideResponse({ signature: valid, rawBody, mode })).toEqual({
        status: 200,
        contentType: 'text/plain',
        body: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
        delayMs: 0,
      });
    },
  );

  test('returns 401 for an unsigned verification, so that strangers get no echo', () => {
    const rawBody = Buffer.from('{"event":"webhook:verify","payload":"PONG"}');
    const response = decideResponse({
      signature: { valid: false, reason: 'No matching signature found' },
      rawBody,
      mode: 'normal',
    });
    expect(response.status).toBe(401);
    expect(response.body).not.toContain('PONG');
  });
});

test.each(['', 'text', '[]', 'null', '{"event":1}', '{"payload":{}}'])(
  '%j is not an event and throws no error',
  (text) => {
    expect(readEvent(Buffer.from(text)).event).toBeNull();
  },
);
