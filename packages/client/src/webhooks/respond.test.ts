import { sign } from '@posthorn/sender';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { handleWebhook } from './fetch.js';
import { MAX_BODY_BYTES, type WebhookOptions } from './respond.js';
import type { WebhookEventOf, WebhookVerificationError } from './verify.js';

interface Events {
  'message:created': { id: string; body: string };
  'conversation:updated': { id: string; closed: boolean };
}

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const CHALLENGE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const HANDSHAKE = `{"event":"webhook:verify","payload":"${CHALLENGE}"}`;
const MESSAGE = '{"event":"message:created","payload":{"id":"m_1","body":"Hi"}}';

async function post(body: string, options: Partial<WebhookOptions<Events>> = {}, isSigned = true) {
  const at = Math.floor(Date.now() / 1000);
  const headers = {
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(at),
    'webhook-signature': sign(SECRET, 'evt_1', at, Buffer.from(body)),
  };
  const request = new Request('https://app.example/webhook', {
    method: 'POST',
    body,
    headers: isSigned ? headers : {},
  });
  const response = await handleWebhook<Events>({ secret: SECRET, on: {}, ...options })(request);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

describe('handshake', () => {
  it('responds to a handshake without a secret, as plain text', async () => {
    const { status, text, headers } = await post(HANDSHAKE, { secret: undefined }, false);
    expect([status, text]).toEqual([200, CHALLENGE]);
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('responds only to signed handshakes with `signed`, so that nobody else can register the URL', async () => {
    expect((await post(HANDSHAKE, { handshake: 'signed' }, false)).status).toBe(401);
    expect(await post(HANDSHAKE, { handshake: 'signed' })).toMatchObject({ status: 200, text: CHALLENGE });
    expect((await post(HANDSHAKE, { handshake: 'signed', secret: undefined })).status).toBe(500);
  });
});

describe('events', () => {
  it('calls the handler of the event type and awaits it', async () => {
    const seen: unknown[] = [];
    const on: WebhookOptions<Events>['on'] = {
      'message:created': async (event) => {
        expectTypeOf(event).toEqualTypeOf<WebhookEventOf<'message:created', Events['message:created']>>();
        await Promise.resolve();
        seen.push([event.id, event.payload.body]);
      },
      'conversation:updated': () => void seen.push('wrong'),
    };
    expect((await post(MESSAGE, { on })).status).toBe(204);
    expect(seen).toEqual([['evt_1', 'Hi']]);
  });

  it('calls `otherwise` for other event types, or accepts them without it', async () => {
    const seen: string[] = [];
    expect(
      (await post('{"event":"toString","payload":{}}', { otherwise: ({ event }) => seen.push(event) })).status,
    ).toBe(204);
    expect((await post(MESSAGE)).status).toBe(204);
    expect(seen).toEqual(['toString']);
  });

  it('returns 500 to events before the secret is known, so that Posthorn repeats them', async () => {
    expect((await post(MESSAGE, { secret: undefined })).status).toBe(500);
    expect((await post(MESSAGE, { secret: '' })).status).toBe(500);
  });

  it('throws what the handler throws', async () => {
    const on = { 'message:created': () => Promise.reject(new Error('no database')) };
    await expect(post(MESSAGE, { on })).rejects.toThrow('no database');
  });

  it('returns 401 with the reason to an event that is not authentic, and calls no handler', async () => {
    const reasons: WebhookVerificationError[] = [];
    const on = { 'message:created': () => Promise.reject(new Error('must not run')) };
    const { status, text } = await post(MESSAGE, { on, onRefused: (error) => reasons.push(error) }, false);
    expect([status, text]).toEqual([401, 'webhook-id, webhook-timestamp or webhook-signature is missing.']);
    expect(reasons.map(({ code }) => code)).toEqual(['missing_headers']);
  });
});

it('returns 405 to a GET', async () => {
  const response = await handleWebhook({ secret: SECRET, on: {} })(new Request('https://app.example/webhook'));
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
});

describe('bodies', () => {
  it('returns 413 to a body that is too large, and reads no further', async () => {
    let chunks = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1024).fill(0x20 + (chunks++ % 2))),
    });
    const request = new Request('https://app.example/webhook', { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect((await handleWebhook({ secret: SECRET, on: {} })(request)).status).toBe(413);
    expect(chunks).toBeLessThan(1030);
    const headers = { 'content-length': '99999999' };
    const declared = new Request('https://app.example/webhook', { method: 'POST', body: 'x', headers });
    expect((await handleWebhook({ secret: SECRET, on: {} })(declared)).status).toBe(413);
  });

  it('accepts a body of the largest size, in chunks that split characters', async () => {
    const text = `{"event":"message:created","payload":{"body":"${'ü'.repeat(523_000)}"}}`;
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_BODY_BYTES);
    const seen: number[] = [];
    const on: WebhookOptions<Events>['on'] = {
      'message:created': ({ payload }) => void seen.push(payload.body.length),
    };
    expect((await post(text, { on })).status).toBe(204);
    expect(seen).toEqual([523_000]);
  });
});
