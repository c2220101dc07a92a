import { describe, expect, it } from 'vitest';
import { backInPool, postTo, endpoint, respondWith, sender, to } from '../test/local-post.js';
import { responseBytes, openRawEndpoint } from '../test/raw-endpoint.js';
import { Exchange } from './exchange.js';

describe('one timeout for everything', () => {
  const SHORT = { timeoutMs: 600 };

  it.each([
    ['never responds', '', /did not respond within 0.6 s. Respond first, then process the event/, null],
    ['drips its headers', 'HTTP/1.1 200 OK\r\nx: ', /started its response/, null],
    ['drips its body', 'HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n', /returned 200 but did not finish/, 200],
  ])('an endpoint that %s: timeout, with its own message', async (_what, first, error, statusCode) => {
    const { url, sockets } = await endpoint((socket) => {
      if (first === '') return;
      socket.write(first);
      const drip = setInterval(() => socket.write(first.endsWith('x: ') || statusCode === 200 ? 'a' : first), 20);
      socket.on('close', () => clearInterval(drip));
    });
    const result = await sender('127.0.0.1,localhost').post(to(url, SHORT));
    expect(result).toMatchObject({ outcome: 'timeout', statusCode, error: expect.stringMatching(error) });
    expect(result.durationMs).toBeGreaterThanOrEqual(599);
    await expect.poll(() => sockets.size).toBe(0);
  });

  it('times out after an interim response without a final one: the response has not started', async () => {
    const { result } = await postTo(respondWith('HTTP/1.1 102 Processing\r\n\r\n'), SHORT);
    expect(result).toMatchObject({ outcome: 'timeout', error: expect.stringContaining('did not respond within') });
  });

  it('a hanging endpoint does not delay others at the same address', async () => {
    const { url } = await endpoint((socket, number) => void (number > 20 && socket.write(responseBytes(200))));
    const guarded = sender('127.0.0.1,localhost');
    const hanging = Array.from({ length: 20 }, () => guarded.post(to(url, { timeoutMs: 1_000 })));
    await expect.poll(async () => (await guarded.post(to(url))).outcome).toBe('ok');
    expect((await Promise.all(hanging)).map(({ outcome }) => outcome)).toContain('timeout');
  });
});

/** Offers a connection to the exchange. Returns whether it declined. */
function declines(exchange: Exchange): boolean {
  let aborted = false;
  const abort = () => {
    aborted = true;
  };
  exchange.onRequestStart({ aborted: false, paused: false, reason: null, abort, pause() {}, resume() {} });
  return aborted;
}

describe('at most one request', () => {
  it('writes nothing after the post has ended', () => {
    expect(declines(new Exchange({ timeoutMs: 1, keepBytes: 0, signal: AbortSignal.abort() }))).toBe(true);
  });

  it('writes nothing a second time', () => {
    const shutdown = new AbortController();
    const exchange = new Exchange({ timeoutMs: 5_000, keepBytes: 0, signal: shutdown.signal });
    expect([declines(exchange), declines(exchange)]).toEqual([false, true]);
    shutdown.abort();
  });
});

describe('aborting', () => {
  it('ends a running post at once, and many posts may share a signal', async () => {
    const { url, sockets } = await endpoint(() => {});
    const guarded = sender('127.0.0.1,localhost');
    const shutdown = new AbortController();
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const posts = Array.from({ length: 30 }, () => guarded.post(to(url, { signal: shutdown.signal })));
    await expect.poll(() => sockets.size).toBe(30);
    shutdown.abort();
    const results = await Promise.all(posts);
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['aborted']));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('sends nothing if the signal has already fired', async () => {
    const { result, requests } = await postTo(respondWith(), { signal: AbortSignal.abort() });
    expect(result).toMatchObject({ outcome: 'aborted', statusCode: null, remoteAddress: null });
    expect(requests).toHaveLength(0);
  });

  it('ignores a signal that fires afterwards', async () => {
    const shutdown = new AbortController();
    const { result } = await postTo(respondWith(), { signal: shutdown.signal });
    shutdown.abort();
    expect(result.outcome).toBe('ok');
  });
});

describe('misbehaving endpoints', () => {
  it.each([
    ['closes the connection without a response', (socket: { destroy(): unknown }) => socket.destroy()],
    ['resets the connection', (socket: { resetAndDestroy(): unknown }) => socket.resetAndDestroy()],
    ['ends the connection', (socket: { end(): unknown }) => socket.end()],
  ])('one that %s: connect_error, and one request per post', async (_what, misbehave) => {
    const { url, requests } = await endpoint((socket) => void misbehave(socket));
    const guarded = sender('127.0.0.1,localhost');
    for (let posts = 1; posts <= 3; posts++) {
      const result = await guarded.post(to(url));
      expect(result).toMatchObject({ outcome: 'connect_error', statusCode: null, remoteAddress: '127.0.0.1' });
      expect(result.error).toMatch(/without a response/);
      expect(requests).toHaveLength(posts);
    }
  });

  it('one that closes a kept-open connection on the second request: connect_error, nothing is resent', async () => {
    const { url, requests } = await endpoint(
      (socket, number) => void (number === 1 ? socket.write(responseBytes(200)) : socket.destroy()),
    );
    const guarded = sender('127.0.0.1,localhost');
    expect((await guarded.post(to(url))).outcome).toBe('ok');
    await backInPool();
    const second = await guarded.post(to(url));
    expect(second).toMatchObject({ outcome: 'connect_error', error: expect.stringContaining('kept open') });
    expect(requests).toHaveLength(2);
  });

  it('one that closes an idle connection: the next post opens a new one', async () => {
    const { url, requests, sockets } = await endpoint((socket) => {
      socket.write(responseBytes(200));
      setTimeout(() => socket.end(), 20);
    });
    const guarded = sender('127.0.0.1,localhost');
    expect((await guarded.post(to(url))).outcome).toBe('ok');
    await expect.poll(() => sockets.size).toBe(0);
    expect((await guarded.post(to(url))).outcome).toBe('ok');
    expect(requests).toHaveLength(2);
  });

  it('one that responds before it has read the request: its response counts', async () => {
    const { url, sockets } = await endpoint(() => {});
    const post = sender('127.0.0.1').post(to(url, { body: Buffer.alloc(5_000_000) }));
    await expect.poll(() => sockets.size).toBe(1);
    for (const socket of sockets) socket.end(responseBytes(413, 'too big', { connection: 'close' }));
    expect(await post).toMatchObject({ outcome: 'http_error', statusCode: 413 });
  });

  it.each([
    [
      'garbage',
      'hello, this is no HTTP\r\n\r\n',
      /HPE_INVALID_CONSTANT.*begins with "hello, this is no HTTP\\r\\n\\r\\n"/,
    ],
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n', /HPE_INVALID_CONSTANT.*"SSH-2\.0-OpenSSH_9\.6\\r\\n"/],
    [
      'HTTP/2',
      Buffer.from('00000c04000000000000030000006400040000ffff', 'hex'),
      /HPE_INVALID_CONSTANT.*"\\x00\\x00\\x0c\\x04/,
    ],
    ['an invalid status', 'HTTP/1.1 20 OK\r\n\r\n', /Invalid status code \(HPE_INVALID_STATUS\)/],
    ['an unknown version', 'HTTP/1.2 200 OK\r\n\r\n', /HPE_INVALID_VERSION/],
    ['a header without a colon', 'HTTP/1.1 200 OK\r\nfoo\r\n\r\n', /HPE_INVALID_HEADER_TOKEN/],
    ['bare line feeds', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n', /HPE_CR_EXPECTED/],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!',
      /HPE_UNEXPECTED_CONTENT_LENGTH/,
    ],
    ['an invalid length', 'HTTP/1.1 200 OK\r\ncontent-length: 5x\r\n\r\nhello', /HPE_INVALID_CONTENT_LENGTH/],
    ['an error after a length', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\nfoo\r\n\r\nhello', /HPE_INVALID_HEADER_TOKEN/],
    ['a status below 100', 'HTTP/1.1 099 Odd\r\ncontent-length: 0\r\n\r\n', /status 099.*Respond with 2xx/],
    ['101', 'HTTP/1.1 101 S\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n', /status 101.*Respond with 2xx/],
    ['16 KiB of headers', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(16 * 1024)}\r\n\r\n`, /more than 16 KiB of headers/],
    ['many headers', `HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(5_000)}\r\n`, /more than 16 KiB of headers/],
    [
      'a break within its headers',
      'HTTP/1.1 200 OK\r\ncontent-le',
      /within the headers.*"HTTP\/1\.1 200 OK\\r\\ncontent-le"/,
    ],
  ])(
    'one that responds with %s: bad_response, with the cause and the beginning of the response',
    async (_what, bytes, error) => {
      const { result, requests } = await postTo((socket) => socket.end(bytes));
      expect(result).toMatchObject({ outcome: 'bad_response', statusCode: null, error: expect.stringMatching(error) });
      expect(result.errorCode).toBe(/\((HPE_\w+)\)/.exec(result.error ?? '')?.[1] ?? null);
      expect(requests).toHaveLength(1);
    },
  );

  it('the message about an invalid response shows at most 256 bytes of it, and no credentials', async () => {
    const secrets = 'Set-Cookie: session=hidden\r\nauthorization:hidden\r\n';
    const { result } = await postTo((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\n${secrets}foo\r\n${'\0'.repeat(1_000)}`),
    );
    expect(result).toMatchObject({ outcome: 'bad_response', error: expect.stringContaining('Set-Cookie: ****\\r\\n') });
    expect(result.error).not.toContain('hidden');
    const shown = /begins with "(.*)"/.exec(result.error ?? '')?.[1] ?? '';
    expect(shown.match(/\\x..|\\.|[^\\]/g)?.length).toBeLessThanOrEqual(256);
    expect(shown).toMatch(/\\x00$/);
  });

  it('one that sends more than its response: the next post does not get the rest', async () => {
    const smuggled = Buffer.concat([responseBytes(200, 'mine'), responseBytes(200, 'smuggled')]);
    const { url } = await endpoint(
      (socket, number) => void socket.write(number === 1 ? smuggled : responseBytes(200, 'mine too')),
    );
    const guarded = sender('127.0.0.1,localhost');
    expect(Buffer.from((await guarded.post(to(url))).body).toString()).toBe('mine');
    await backInPool();
    expect(Buffer.from((await guarded.post(to(url))).body).toString()).toBe('mine too');
  });

  it('no server listens: connect_error', async () => {
    const gone = await openRawEndpoint(() => {});
    await gone.close();
    const result = await sender('127.0.0.1,localhost').post(to(gone.url));
    expect(result).toMatchObject({
      outcome: 'connect_error',
      errorCode: 'ECONNREFUSED',
      error: expect.stringContaining('ECONNREFUSED'),
      remoteAddress: null,
    });
  });
});
