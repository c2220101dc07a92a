import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { describe, expect, it, vi } from 'vitest';
import { backInPool, BODY, postTo, endpoint, respondWith, SECRET, sender, to } from '../test/local-post.js';
import { responseBytes } from '../test/raw-endpoint.js';
import { newSecret } from '../test/new-secret.js';

describe('the request', () => {
  it('contains exactly the bytes, the headers of the contract and nothing else', async () => {
    const { result, requests } = await postTo(respondWith(), {
      headers: { 'X-Key': 'k', authorization: 'a' },
    });
    expect(result).toMatchObject({ outcome: 'ok', statusCode: 200, errorCode: null, error: null });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.body).toEqual(BODY);
    expect(requests[0]?.head).toMatch(/^POST \/hook HTTP\/1\.1\r\n/);
    expect(Object.keys(requests[0]?.headers ?? {}).toSorted()).toEqual(
      `X-Key accept accept-encoding authorization connection content-length content-type host user-agent webhook-id webhook-signature
       webhook-timestamp`.split(/\s+/),
    );
    expect(requests[0]?.headers).toMatchObject({
      accept: '*/*',
      'accept-encoding': 'identity',
      'content-length': String(BODY.length),
      'content-type': 'application/json',
      'user-agent': 'Posthorn/1.2.3',
      'webhook-id': 'evt_01',
      'X-Key': 'k',
    });
  });

  it('verifies with the standardwebhooks and svix libraries, with the old and the new secret during a rotation', async () => {
    const old = newSecret();
    const { requests } = await postTo((socket) => socket.write(responseBytes(204)), { secrets: [SECRET, old] });
    const { body, headers } = requests[0] ?? { body: '', headers: {} };
    for (const secret of [SECRET, old]) {
      expect(new Webhook(secret).verify(body.toString(), headers)).toMatchObject({ event: 'message:created' });
      expect(new SvixWebhook(secret).verify(body.toString(), headers)).toMatchObject({ event: 'message:created' });
    }
    expect(() => new Webhook(newSecret()).verify(body.toString(), headers)).toThrow(/signature/);
  });

  it('custom headers cannot override ours, and a line break in one does not reach the wire', async () => {
    const { url, requests } = await endpoint(respondWith());
    const guarded = sender('127.0.0.1,localhost');
    const own = { Host: 'evil', 'Content-Type': 'text/plain', 'Webhook-Id': 'x', 'user-agent': 'x', 'x-mine': 'y' };
    await guarded.post(to(url, { headers: own }));
    expect(requests[0]?.head).not.toMatch(/evil|text\/plain|\bx\r/);
    expect(requests[0]?.headers).toMatchObject({ 'x-mine': 'y', 'webhook-id': 'evt_01' });
    await expect(guarded.post(to(url, { headers: { 'x-a': '1\r\nx-b: 2' } }))).rejects.toThrow(/header/);
    expect(requests).toHaveLength(1);
  });

  it('keeps path and query of the URL, but not the fragment', async () => {
    const { url, requests } = await endpoint(respondWith());
    const guarded = sender('127.0.0.1,localhost');
    await guarded.post(to(`${new URL(url).origin}/a%20b/ü?q=1&r=%2F#secret`));
    await guarded.post(to(new URL(url).origin));
    expect(requests.map(({ head }) => head.split('\r\n')[0])).toEqual([
      'POST /a%20b/%C3%BC?q=1&r=%2F HTTP/1.1',
      'POST / HTTP/1.1',
    ]);
  });

  it('may have an empty body', async () => {
    const { result, requests } = await postTo(respondWith(), { body: new Uint8Array() });
    expect(result.outcome).toBe('ok');
    expect(requests[0]?.headers['content-length']).toBe('0');
  });
});

describe('the record', () => {
  it('contains times, the address, and headers with masked secrets', async () => {
    const { result } = await postTo(
      (socket) =>
        socket.write(responseBytes(200, 'fine', { 'x-a': '1', 'X-B': '2\r\nx-b: 3', 'set-cookie': 'session=hidden' })),
      { headers: { Authorization: 'Bearer hidden' } },
    );
    expect(result).toMatchObject({
      remoteAddress: '127.0.0.1',
      responseHeaders: { 'x-a': '1', 'x-b': '2, 3', 'set-cookie': '••••', 'content-length': '4' },
      request: {
        userAgent: expect.stringContaining('/'),
        bodyBytes: BODY.length,
        signatureCount: 1,
        ownNames: ['authorization'],
      },
      timings: { dnsMs: null, connectMs: expect.any(Number), tlsMs: null, firstByteMs: expect.any(Number) },
      bodyTruncated: false,
      bodyTooLarge: false,
      retryAfter: null,
    });
    expect(Buffer.from(result.body).toString()).toBe('fine');
    expect(JSON.stringify(result)).not.toContain('hidden');
    expect(result.durationMs).toBeGreaterThanOrEqual(result.timings.firstByteMs ?? Infinity);
  });

  it('contains connection phases only for a new connection; the next post reuses it', async () => {
    const opened = await endpoint(respondWith());
    const { url } = opened;
    const guarded = sender('127.0.0.1,localhost');
    const first = await guarded.post(to(url.replace('127.0.0.1', 'localhost')));
    await backInPool();
    const second = await guarded.post(to(url.replace('127.0.0.1', 'localhost')));
    expect(first.timings).toMatchObject({ dnsMs: expect.any(Number), connectMs: expect.any(Number) });
    expect(second.timings).toMatchObject({
      dnsMs: null,
      connectMs: null,
      tlsMs: null,
      firstByteMs: expect.any(Number),
    });
    expect(second.remoteAddress).toBe('127.0.0.1');
    expect(opened.connections).toBe(1);
  });

  it('a hundred posts, five at a time, use at most five connections', async () => {
    const opened = await endpoint(respondWith());
    const guarded = sender('127.0.0.1,localhost');
    for (let round = 0; round < 20; round += 1) {
      const results = await Promise.all(Array.from({ length: 5 }, () => guarded.post(to(opened.url))));
      expect(results.every(({ outcome }) => outcome === 'ok')).toBe(true);
      await backInPool();
    }
    expect(opened.requests).toHaveLength(100);
    expect(opened.connections).toBeLessThanOrEqual(5);
  });

  it('a connection older than a minute is used once more, then the name is resolved again', async () => {
    const { url, requests } = await endpoint(respondWith());
    const guarded = sender('127.0.0.1,localhost');
    const connectMs = async () => {
      const { timings } = await guarded.post(to(url));
      await backInPool();
      return timings.connectMs;
    };
    expect(await connectMs()).not.toBeNull();
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 61_000);
    expect(await connectMs()).toBeNull();
    vi.restoreAllMocks();
    expect(await connectMs()).not.toBeNull();
    expect(requests.map(({ headers }) => headers['connection'])).toEqual(['keep-alive', 'close', 'keep-alive']);
  });

  it('concurrent posts each get their own response and connection', async () => {
    const { url } = await endpoint((socket, number) => socket.write(responseBytes(200, `n${number}`)));
    const guarded = sender('127.0.0.1,localhost');
    const results = await Promise.all(Array.from({ length: 40 }, () => guarded.post(to(url))));
    expect(new Set(results.map(({ body }) => Buffer.from(body).toString())).size).toBe(40);
    expect(
      results.every(({ timings, remoteAddress }) => timings.connectMs !== null && remoteAddress === '127.0.0.1'),
    ).toBe(true);
  });

  it.each([
    ['once', { 'retry-after': '120' }, '120'],
    ['as a date', { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, 'Wed, 21 Oct 2026 07:28:00 GMT'],
    ['with white space around it', { 'retry-after': ' \t60 \t ' }, '60'],
    ['twice with two values', { 'retry-after': '120', 'Retry-After': '60' }, null],
    ['twice with one value', { 'retry-after': '60', 'Retry-After': '60 ' }, '60'],
    ['not at all', {}, null],
  ])('Retry-After %s', async (_how, headers, retryAfter) => {
    const { result } = await postTo((socket) => socket.write(responseBytes(503, '', headers)));
    expect(result.retryAfter).toBe(retryAfter);
  });

  it('contains header values without surrounding white space, as UTF-8 or else latin1', async () => {
    const { result } = await postTo((socket) =>
      socket.write(
        Buffer.concat([
          Buffer.from('HTTP/1.1 200 OK\r\nx-utf8:\tGrüße ☃ \r\nx-latin1: '),
          Buffer.from('Grüße \t \r\n', 'latin1'),
          Buffer.from('x-inner: a \t b\r\nwebhook-delivery: disable\t \r\nx-empty: \t \r\ncontent-length: 0 \r\n\r\n'),
        ]),
      ),
    );
    expect(result.responseHeaders).toEqual({
      'x-utf8': 'Grüße ☃',
      'x-latin1': 'Grüße',
      'x-inner': 'a \t b',
      'webhook-delivery': 'disable',
      'x-empty': '',
      'content-length': '0',
    });
  });

  it('treats a header named like an object property as a header', async () => {
    const bytes = 'HTTP/1.1 200 OK\r\n__proto__: x\r\n__proto__: y\r\nconstructor: z\r\ncontent-length: 0\r\n\r\n';
    const { result } = await postTo(respondWith(bytes));
    expect(Object.entries(result.responseHeaders ?? {})).toEqual([
      ['__proto__', 'x, y'],
      ['constructor', 'z'],
      ['content-length', '0'],
    ]);
  });
});

describe('the status decides', () => {
  it.each([
    [200, 'ok'],
    [201, 'ok'],
    [204, 'ok'],
    [299, 'ok'],
    [300, 'redirect'],
    [304, 'redirect'],
    [400, 'http_error'],
    [404, 'http_error'],
    [410, 'http_error'],
    [429, 'http_error'],
    [500, 'http_error'],
    [503, 'http_error'],
    [999, 'http_error'],
  ])('%d is %s', async (status, outcome) => {
    const { result } = await postTo((socket) => socket.write(responseBytes(status)));
    expect(result).toMatchObject({ outcome, statusCode: status });
    expect(result.error === null).toBe(outcome === 'ok');
  });

  it.each([301, 302, 303, 307, 308])('%d is not followed: no second request is sent', async (status) => {
    const elsewhere = await endpoint(respondWith());
    const { result, requests } = await postTo((socket) =>
      socket.write(responseBytes(status, '', { location: elsewhere.url, refresh: '0' })),
    );
    expect(result).toMatchObject({
      outcome: 'redirect',
      statusCode: status,
      responseHeaders: { location: elsewhere.url },
    });
    expect(requests).toHaveLength(1);
    expect(elsewhere.connections).toBe(0);
  });

  it('102 and 103 are not final responses', async () => {
    const { result } = await postTo((socket) =>
      socket.write(
        Buffer.concat([
          Buffer.from('HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nlink: x\r\n\r\n'),
          responseBytes(200, 'done'),
        ]),
      ),
    );
    expect(result).toMatchObject({ outcome: 'ok', statusCode: 200 });
  });

  it.each(['HTTP/1.1 101 S\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n', 'HTTP/1.1 101 S\r\n\r\n'])(
    '101 is not a response to a POST: %j',
    async (bytes) => {
      const { result } = await postTo((socket) => socket.write(bytes));
      expect(result).toMatchObject({ outcome: 'bad_response', statusCode: null });
    },
  );
});

describe('throws for bugs', () => {
  it('a malformed secret, no secret, a closed sender', async () => {
    const { url, requests } = await endpoint(respondWith());
    const guarded = sender('127.0.0.1,localhost');
    await expect(guarded.post(to(url, { secrets: ['whsec_x'] }))).rejects.toThrow(/signing secret/);
    await expect(guarded.post(to(url, { secrets: [] }))).rejects.toThrow(/secret/);
    await guarded.close();
    await expect(guarded.post(to(url))).rejects.toThrow(/destroyed/);
    expect(requests).toHaveLength(0);
  });
});

describe('close', () => {
  it('waits for running posts, then closes all connections; safe to repeat', async () => {
    const { url, sockets } = await endpoint((socket) => void setTimeout(() => socket.write(responseBytes(200)), 100));
    const guarded = sender('127.0.0.1,localhost');
    const post = guarded.post(to(url));
    await expect.poll(() => sockets.size).toBe(1);
    await guarded.close();
    expect((await post).outcome).toBe('ok');
    await guarded.close();
    await expect.poll(() => sockets.size).toBe(0);
  });
});
