import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { newSecret } from '../test/new-secret.js';
import { sign, signWithAll } from './sign.js';

const A = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const B = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const C = 'whsec_TUdfVE5UMnZlci1TeWxOYXQtX1ZlTW1kLTRtMFdhYmEwanIxdHJvenRCbmlTQ2hFdzBnbHhFbWdFaTJLdzQwSA==';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const AT = 1614265330;
const BODY = '{"test": 2432232314}';
const UNICODE = '{"event":"message:created","payload":{"account_id":"a1","body":"Hey there! ☃ 👋","id":"m1"}}';

describe('sign', () => {
  it.each([
    ['24 bytes of key', A, ID, AT, BODY, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='],
    ['another key', B, ID, AT, BODY, 'v1,78nXHjpFP0tVJQW5D0SBwmVyyW87BV/rL6MgfM/Bw44='],
    ['64 bytes of key', C, ID, AT, BODY, 'v1,qQ4BohQg4x0bisDZXDZS3z9xM+xMTDrsNp+Sm5q9YKI='],
    [
      'UTF-8',
      A,
      'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
      1674087231,
      UNICODE,
      'v1,kiiUACFaPzMCCWxpnhgwToWhV374u8fT1GjSycVK7P8=',
    ],
  ])('Standard Webhooks vector: %s', (_what, secret, id, at, body, signature) => {
    expect(sign(secret, id, at, Buffer.from(body))).toBe(signature);
  });

  const golden = readFileSync(new URL('../test/papercups-bodies.jsonl', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  it.each([
    ["a customer's message", 0, 924, 'v1,K1EYnte2pP7kYQYeiCE4s7G61JhPBUmNXCgWprRU9mU='],
    ["an agent's message", 1, 649, 'v1,+q2QilXGTyZGsA5ZgNbugGGStibXOZv3+/wL8FekO/0='],
    ['a new conversation', 2, 464, 'v1,DJvr5hKIkDeVRr2348bD/XyxyuvP4yi3/zWw7LGiw8w='],
    ['the handshake', 3, 103, 'v1,f7lvvSiYiOjsCk3dBLiIhAIjUxhh9Ga9xvegbOOA7ms='],
  ])('Papercups vector: %s', (_what, line, bytes, signature) => {
    const body = Buffer.from(golden[line] ?? '');
    expect(body).toHaveLength(bytes);
    expect(sign(A, ID, AT, body)).toBe(signature);
  });

  it('signs with every valid secret during a rotation, the current one first; each verifies alone', () => {
    const both = signWithAll([A, B], ID, AT, Buffer.from(BODY));
    expect(both).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,78nXHjpFP0tVJQW5D0SBwmVyyW87BV/rL6MgfM/Bw44=',
    );
    const now = Math.floor(Date.now() / 1000);
    const headers = {
      'webhook-id': ID,
      'webhook-timestamp': String(now),
      'webhook-signature': signWithAll([A, B], ID, now, Buffer.from(BODY)),
    };
    for (const secret of [A, B]) expect(new Webhook(secret).verify(BODY, headers)).toEqual({ test: 2432232314 });
    expect(() => new Webhook(newSecret()).verify(BODY, headers)).toThrow(/signature/);
  });

  it('refuses a malformed secret, no secret, and an id with a dot', () => {
    expect(() => sign('hwsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', ID, AT, Buffer.from(BODY))).toThrow(/whsec_/);
    expect(() => signWithAll([], ID, AT, Buffer.from(BODY))).toThrow(/at least one/);
    expect(() => sign(A, 'msg_1.2', AT, Buffer.from(BODY))).toThrow(/dot/);
  });
});
