import { sign } from '@posthorn/sender';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { Webhook as Svix } from 'svix';
import { describe, expect, it } from 'vitest';
import { readChallenge, verify, WebhookVerificationError } from './verify.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const BODY = '{"event":"message:created","payload":{"body":"Grüße 👋 \\ud83d","n":12345678901234567890}}';
const now = () => Math.floor(Date.now() / 1000);

const signed = (body = BODY, { secret = SECRET, at = now() } = {}) => ({
  'webhook-id': 'evt_1',
  'webhook-timestamp': String(at),
  'webhook-signature': sign(secret, 'evt_1', at, Buffer.from(body)),
});
const codeOf = (...given: Parameters<typeof verify>): string => {
  try {
    verify(...given);
    return 'authentic';
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.code;
    throw error;
  }
};

describe('verify', () => {
  it('returns the event, its id and its time', () => {
    const at = now();
    expect(verify(BODY, signed(BODY, { at }), SECRET)).toEqual({
      id: 'evt_1',
      sentAt: new Date(at * 1000),
      event: 'message:created',
      payload: { body: 'Grüße 👋 \ud83d', n: Number('12345678901234567890') },
    });
  });

  it.each<[string, Parameters<typeof verify>[0]]>([
    ['a string', BODY],
    ['a Buffer', Buffer.from(BODY)],
    ['a part of a larger buffer', new Uint8Array(Buffer.from(`x${BODY}y`)).subarray(1, -1)],
    ['an ArrayBuffer', new Uint8Array(Buffer.from(BODY)).buffer],
  ])('takes the body as %s', (_what, body) => {
    expect(verify(body, signed(), SECRET).id).toBe('evt_1');
  });

  it.each([
    ['Headers', new Headers(signed())],
    [
      'an object with other capitals',
      Object.fromEntries(Object.entries(signed()).map(([name, value]) => [name.toUpperCase(), value])),
    ],
    ['an object with arrays', Object.fromEntries(Object.entries(signed()).map(([name, value]) => [name, [value]]))],
  ])('takes the headers as %s', (_what, headers) => {
    expect(verify(BODY, headers, SECRET).id).toBe('evt_1');
  });

  it('accepts any of several secrets, and any of several signatures', () => {
    expect(verify(BODY, signed(BODY, { secret: OTHER }), [SECRET, OTHER]).id).toBe('evt_1');
    const rotating = {
      ...signed(),
      'webhook-signature': `v1a,xyz v1, v1 ${signed(BODY, { secret: OTHER })['webhook-signature']} ${signed()['webhook-signature']}`,
    };
    expect(verify(BODY, rotating, SECRET).id).toBe('evt_1');
  });

  it('accepts what the libraries of Standard Webhooks and Svix sign', () => {
    const at = new Date();
    for (const library of [new Webhook(SECRET), new Svix(SECRET)]) {
      const headers = { ...signed(BODY, { at: now() }), 'webhook-signature': library.sign('evt_1', at, BODY) };
      headers['webhook-timestamp'] = String(Math.floor(at.getTime() / 1000));
      expect(verify(BODY, headers, SECRET).id).toBe('evt_1');
    }
  });

  it('accepts what the library of Standard Webhooks signs, and nothing near it, for every secret and body', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 100 });
    const payload = fc.string({ unit: 'grapheme', maxLength: 200 });
    fc.assert(
      fc.property(bytes, payload, fc.nat(), (key, text, position) => {
        const secret = `whsec_${Buffer.from(key).toString('base64')}`;
        const body = JSON.stringify({ event: 'message:created', payload: text });
        const at = new Date();
        const signature = new Webhook(secret).sign('evt_1', at, body);
        const headers = { ...signed(), 'webhook-timestamp': String(Math.floor(at.getTime() / 1000)) };
        expect(verify(body, { ...headers, 'webhook-signature': signature }, secret).payload).toBe(text);
        const index = 3 + (position % 43); // of 44 characters, the last of which is padding
        const changed = signature[index] === 'A' ? 'B' : 'A';
        const near = signature.slice(0, index) + changed + signature.slice(index + 1);
        for (const wrong of [near, signature.slice(0, index), `${signature}A`])
          expect(codeOf(body, { ...headers, 'webhook-signature': wrong }, secret)).toBe('bad_signature');
      }),
    );
  });

  it('accepts signatures of several headers, which proxies join with commas', () => {
    const joined = `${signed(BODY, { secret: OTHER })['webhook-signature']}, ${signed()['webhook-signature']}`;
    for (const secret of [SECRET, OTHER])
      expect(verify(BODY, { ...signed(), 'webhook-signature': joined }, secret).id).toBe('evt_1');
  });

  it.each<[string, string, Parameters<typeof verify>]>([
    ['no headers', 'missing_headers', [BODY, {}, SECRET]],
    ['no signature', 'missing_headers', [BODY, { ...signed(), 'webhook-signature': undefined }, SECRET]],
    ['a timestamp that is not a number', 'bad_timestamp', [BODY, { ...signed(), 'webhook-timestamp': 'soon' }, SECRET]],
    ['a timestamp with more text', 'bad_timestamp', [BODY, { ...signed(), 'webhook-timestamp': `${now()}x` }, SECRET]],
    ['an endless timestamp', 'too_new', [BODY, { ...signed(), 'webhook-timestamp': '9'.repeat(400) }, SECRET]],
    ['a request of an hour ago', 'too_old', [BODY, signed(BODY, { at: now() - 3600 }), SECRET]],
    ['a request of tomorrow', 'too_new', [BODY, signed(BODY, { at: now() + 86_400 }), SECRET]],
    ['another timestamp', 'bad_signature', [BODY, { ...signed(), 'webhook-timestamp': String(now() - 60) }, SECRET]],
    ['another id', 'bad_signature', [BODY, { ...signed(), 'webhook-id': 'evt_2' }, SECRET]],
    ['another secret', 'bad_signature', [BODY, signed(), OTHER]],
    ['another body', 'bad_signature', [BODY.replace('body', 'text'), signed(), SECRET]],
    ['a parsed and serialized body', 'bad_signature', [JSON.stringify(JSON.parse(BODY)), signed(), SECRET]],
    ['a byte order mark', 'bad_signature', [`\uFEFF${BODY}`, signed(), SECRET]],
    [
      'a signature of another version',
      'bad_signature',
      [BODY, { ...signed(), 'webhook-signature': signed()['webhook-signature'].replace('v1', 'v2') }, SECRET],
    ],
    ['a signed text', 'bad_body', ['hello', signed('hello'), SECRET]],
    ['a signed number', 'bad_body', ['1', signed('1'), SECRET]],
    ['a signed null', 'bad_body', ['null', signed('null'), SECRET]],
    ['no body', 'bad_body', ['', signed(''), SECRET]],
  ])('refuses %s: %s', (_what, code, given) => {
    expect(codeOf(...given)).toBe(code);
  });

  it.each([
    ['no secret', ''],
    ['only the prefix', 'whsec_'],
    ['an empty list', []],
    ['text that is not a secret', 'whsec_!!!'],
  ])('throws TypeError for %s', (_what, secret) => {
    expect(() => verify(BODY, signed(), secret)).toThrow(TypeError);
  });
});

describe('readChallenge', () => {
  const CHALLENGE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

  it('returns the text of a handshake', () => {
    expect(readChallenge(`{"event":"webhook:verify","payload":"${CHALLENGE}"}`)).toBe(CHALLENGE);
    expect(readChallenge(Buffer.from(`{ "event": "webhook:verify", "payload": "${CHALLENGE}" }`))).toBe(CHALLENGE);
  });

  it.each([
    ['an event', BODY],
    ['markup', '{"event":"webhook:verify","payload":"<script>alert(1)</script>"}'],
    ['a short text', '{"event":"webhook:verify","payload":"ABC"}'],
    ['an object', '{"event":"webhook:verify","payload":{}}'],
    ['more fields', `{"event":"webhook:verify","payload":"${CHALLENGE}","event":"x"}`],
  ])('returns null for %s', (_what, body) => {
    expect(readChallenge(body)).toBeNull();
  });
});
