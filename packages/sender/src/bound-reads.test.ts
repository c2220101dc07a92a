import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { makeCertificate, trust } from '@posthorn/testing';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { backInPool, postTo, endpoint, respondWith, sender, to } from '../test/local-post.js';
import { responseBytes, type OnRequest } from '../test/raw-endpoint.js';
import { MAX_READS } from './scan-response.js';

const LONG_TIMEOUT = { timeoutMs: 120_000 }; // outcomes must not depend on the speed of the machine
const HEAD = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;

let opened: { socket: Socket; port?: number | undefined }[] = [];
const onSocket = (message: unknown) => {
  const { socket } = message as { socket: Socket };
  const one: (typeof opened)[number] = { socket };
  socket.once('connect', () => (one.port = socket.remotePort));
  opened.push(one);
};
/** The sockets that were opened to this port. Earlier files of the vitest worker may still open others. */
async function openedTo(port: number): Promise<Socket[]> {
  await expect.poll(() => opened.some(({ socket }) => socket.connecting)).toBe(false);
  return opened.filter((one) => one.port === port).map(({ socket }) => socket);
}
beforeEach(() => subscribe('net.client.socket', onSocket));
afterEach(() => {
  unsubscribe('net.client.socket', onSocket);
  vi.restoreAllMocks();
  opened = [];
});

/** Writes `start`, then `again` as long as the socket accepts it. */
const endlessly =
  (start: string, again: string): OnRequest =>
  (socket) => {
    const piece = Buffer.from(again.repeat(Math.ceil(16_384 / again.length)));
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.write(start);
    socket.on('drain', more);
    more();
  };

describe('an endpoint that never ends its response', () => {
  it.each([
    [
      'interim responses',
      '',
      'HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n',
      /more than 10 interim responses/,
    ],
    ['an interim header', 'HTTP/1.1 103 Early Hints\r\nlink: ', 'x', /more than 128 KiB/],
    ['a header', `${HEAD}x: `, 'x', /more than 16 KiB of headers/],
    ['headers', HEAD, 'x: y\r\n', /more than 16 KiB of headers/],
    ['a reason phrase', 'HTTP/1.1 200 ', 'OK ', /more than 16 KiB of headers/],
    ['empty lines', '', '\r\n', /more than 128 KiB/],
  ])('ends as bad_response: %s', async (_what, start, again, error) => {
    const { result, sockets, port } = await postTo(endlessly(start, again), LONG_TIMEOUT);
    expect(result).toMatchObject({ outcome: 'bad_response', statusCode: null, error: expect.stringMatching(error) });
    await expect.poll(() => sockets.size).toBe(0);
    const [socket, ...others] = await openedTo(port);
    expect(others).toEqual([]);
    expect(socket?.bytesRead).toBeLessThanOrEqual(256 * 1024);
  });

  it.each([
    ['an extension of a chunk', CHUNKED, `1;${'x'.repeat(100)}`],
    ['extensions of chunks', CHUNKED, `1;${'x'.repeat(100)}\r\na\r\n`],
    ['chunks of one byte', CHUNKED, '1\r\na\r\n'],
    ['a trailer', `${CHUNKED}0\r\nx: `, 'x'],
    ['trailers', `${CHUNKED}0\r\n`, 'x: y\r\n'],
    ['a body', `${HEAD}content-length: 1000000000\r\n\r\n`, 'x'],
    ['empty lines after the response', responseBytes(200).toString(), '\r\n'],
  ])('keeps the status that it sent: %s', async (_what, start, again) => {
    const { result, sockets, port } = await postTo(endlessly(start, again), LONG_TIMEOUT);
    expect(result).toMatchObject({ outcome: 'ok', statusCode: 200, error: null });
    await expect.poll(() => sockets.size).toBe(0);
    const [socket, ...others] = await openedTo(port);
    expect(others).toEqual([]);
    expect(socket?.bytesRead).toBeLessThanOrEqual(256 * 1024);
  });

  it('ends as bad_response if it sends its response byte by byte', async () => {
    const { url } = await endpoint((socket) => {
      socket.setNoDelay(true);
      const next = () => {
        if (socket.destroyed) return;
        socket.write('\n');
        setImmediate(next);
      };
      next();
    });
    const result = await sender('127.0.0.1').post(to(url, LONG_TIMEOUT));
    expect(result).toMatchObject({ outcome: 'bad_response', error: expect.stringContaining(`${MAX_READS} pieces`) });
  });
});

it('an endpoint that renegotiates TLS endlessly: bad_response', async () => {
  const { key, cert } = makeCertificate();
  onTestFinished(trust(cert));
  const renegotiate = (socket: Socket) => {
    if (socket instanceof TLSSocket) socket.renegotiate({}, (error) => void (error ?? renegotiate(socket)));
  };
  const { port } = await endpoint(renegotiate, { tlsOptions: { key, cert, maxVersion: 'TLSv1.2' } });
  const result = await sender('127.0.0.1,localhost').post(to(`https://localhost:${port}/`, LONG_TIMEOUT));
  expect(result).toMatchObject({ outcome: 'bad_response', error: expect.stringContaining('128 KiB') });
});

describe('a post that ends before its response', () => {
  it.each([
    ['timeout', respondWith(''), 'timeout'],
    ['cut body', endlessly(`${HEAD}content-length: 1000000000\r\n\r\n`, 'x'), 'ok'],
    ['101', respondWith('HTTP/1.1 101 S\r\n\r\n'), 'bad_response'],
  ])('closes its connection and opens no other: %s', async (_what, onRequest, outcome) => {
    const opening = await endpoint(onRequest);
    const result = await sender('127.0.0.1').post(
      to(opening.url, { ...LONG_TIMEOUT, ...(outcome === 'timeout' && { timeoutMs: 50 }) }),
    );
    expect(result.outcome).toBe(outcome);
    await expect.poll(() => opening.sockets.size).toBe(0);
    await backInPool();
    expect(await openedTo(opening.port)).toHaveLength(1);
  });
});

describe('interim responses', () => {
  const INTERIM = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 102 Processing\r\nconnection: close\r\n\r\n';

  it('are skipped, even byte by byte, and the connection stays open for the next post', async () => {
    const bytes = Buffer.concat([Buffer.from(INTERIM), responseBytes(200, 'done', { 'x-a': 'b' })]);
    const opening = await endpoint(async (socket) => {
      socket.setNoDelay(true);
      for (const byte of bytes) {
        socket.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
    });
    const guarded = sender('127.0.0.1');
    for (let posts = 0; posts < 3; posts++) {
      const result = await guarded.post(to(opening.url, LONG_TIMEOUT));
      expect(result).toMatchObject({ outcome: 'ok', statusCode: 200, bodyTruncated: false });
      expect(result.responseHeaders).toEqual({ 'content-length': '4', 'x-a': 'b' });
      expect(Buffer.from(result.body).toString()).toBe('done');
      await backInPool();
    }
    expect(opening.connections).toBe(1);
  });

  it('are skipped over TLS, and each response on a connection has its own limits', async () => {
    const { key, cert } = makeCertificate();
    onTestFinished(trust(cert));
    const body = 'x'.repeat(60_000);
    const opening = await endpoint(respondWith(Buffer.concat([Buffer.from(INTERIM), responseBytes(200, body)])), {
      tlsOptions: { key, cert },
    });
    const guarded = sender('127.0.0.1,localhost');
    for (let posts = 0; posts < 5; posts++) {
      const result = await guarded.post(
        to(`https://localhost:${opening.port}/`, { ...LONG_TIMEOUT, keepBytes: body.length }),
      );
      expect(result).toMatchObject({ outcome: 'ok', bodyTruncated: false });
      expect(result.body).toHaveLength(body.length);
      await backInPool();
    }
    expect(opening.connections).toBe(1);
  });

  it.each([
    ['the connection closes after one', 'HTTP/1.1 100 Continue\r\n\r\n', 'connect_error'],
    ['the connection closes within a status line', 'HTTP/1.1 10', 'bad_response'],
    ['an upgrade follows', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 S\r\n\r\n', 'bad_response'],
  ])('are not a final response: %s', async (_what, bytes, outcome) => {
    const { result } = await postTo((socket) => socket.end(bytes), LONG_TIMEOUT);
    expect(result).toMatchObject({ outcome, statusCode: null });
  });
});
