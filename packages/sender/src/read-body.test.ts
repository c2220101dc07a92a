import { once } from 'node:events';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { postTo, endpoint, sender, to } from '../test/local-post.js';
import { responseBytes } from '../test/raw-endpoint.js';
import { MAX_BODY_BYTES } from './index.js';

describe('the body', () => {
  it('keeps 4 KiB by default, 64 KiB at most', async () => {
    const long = 'x'.repeat(MAX_BODY_BYTES);
    const onRequest = (socket: { write(bytes: Buffer): unknown }) => void socket.write(responseBytes(200, long));
    const few = (await postTo(onRequest)).result;
    expect(few).toMatchObject({ outcome: 'ok', bodyTruncated: true, bodyTooLarge: false });
    expect(few.body).toHaveLength(4096);
    const many = (await postTo(onRequest, { keepBytes: 1_000_000 })).result;
    expect(many).toMatchObject({ outcome: 'ok', bodyTruncated: false, bodyTooLarge: false });
    expect(many.body).toHaveLength(MAX_BODY_BYTES);
  });

  it('stops reading beyond 64 KiB and destroys the socket; a 2xx stays ok', async () => {
    const { url, sockets } = await endpoint((socket) =>
      socket.write(responseBytes(200, 'x'.repeat(MAX_BODY_BYTES + 1))),
    );
    const result = await sender('127.0.0.1,localhost').post(to(url, { keepBytes: MAX_BODY_BYTES }));
    expect(result).toMatchObject({ outcome: 'ok', statusCode: 200, bodyTruncated: true, bodyTooLarge: true });
    expect(result.body).toHaveLength(MAX_BODY_BYTES);
    await expect.poll(() => sockets.size).toBe(0);
  });

  it('a body of 200 MB uses almost no memory, and only its status makes it an error', async () => {
    const chunk = Buffer.alloc(1024 * 1024);
    const { url } = await endpoint(async (socket) => {
      socket.write('HTTP/1.1 500 No\r\ncontent-length: 209715200\r\n\r\n');
      for (let written = 0; written < 200 && !socket.destroyed; written++) {
        if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => null);
      }
    });
    const before = process.memoryUsage.rss();
    const result = await sender('127.0.0.1').post(to(url));
    expect(result).toMatchObject({ outcome: 'http_error', statusCode: 500, bodyTooLarge: true });
    expect(process.memoryUsage.rss() - before).toBeLessThan(40 * 1024 * 1024);
  });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['GZIP \t', gzipSync],
    ['identity, gzip', gzipSync],
  ])('stores a body that is compressed with %s, although not requested, decompressed', async (encoding, compress) => {
    const { result } = await postTo((socket) =>
      socket.write(responseBytes(200, compress('{"challenge":"abc"}'), { 'content-encoding': encoding })),
    );
    expect(Buffer.from(result.body).toString()).toBe('{"challenge":"abc"}');
    expect(result).toMatchObject({ outcome: 'ok', bodyTruncated: false, bodyTooLarge: false });
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(60 * 1024 * 1024))],
    ['br', brotliCompressSync(Buffer.alloc(60 * 1024 * 1024))],
  ])('counts a %s bomb decompressed and stops at the cap', async (encoding, bomb) => {
    const before = process.memoryUsage.rss();
    const { result } = await postTo((socket) =>
      socket.write(responseBytes(200, bomb, { 'content-encoding': encoding })),
    );
    expect(result).toMatchObject({ outcome: 'ok', bodyTooLarge: true, bodyTruncated: true });
    expect(result.body).toHaveLength(4096);
    expect(process.memoryUsage.rss() - before).toBeLessThan(40 * 1024 * 1024);
  });

  it('64 KiB that compress to more than 64 KiB are not too large', async () => {
    const noise = Buffer.from(Array.from({ length: MAX_BODY_BYTES }, (_, index) => (index * 7919 * (index + 13)) >> 3));
    const stored = gzipSync(noise, { level: 0 });
    expect(stored.length).toBeGreaterThan(MAX_BODY_BYTES);
    const { result } = await postTo(
      (socket) => socket.write(responseBytes(200, stored, { 'content-encoding': 'gzip' })),
      {
        keepBytes: MAX_BODY_BYTES,
      },
    );
    expect(result).toMatchObject({ bodyTooLarge: false, bodyTruncated: false });
    expect(Buffer.from(result.body).equals(noise)).toBe(true);
  });

  it.each([
    ['does not have its declared encoding', 'gzip', Buffer.from('plain text')],
    ['has an unknown encoding', 'rot13', Buffer.from('plain text')],
    ['is encoded twice', 'gzip, gzip', gzipSync('x')],
  ])('is kept raw if it %s', async (_what, encoding, bytes) => {
    const { result } = await postTo((socket) =>
      socket.write(responseBytes(200, bytes, { 'content-encoding': encoding })),
    );
    expect(result.outcome).toBe('ok');
    expect(Buffer.from(result.body)).toEqual(bytes);
  });

  it.each([
    ['content-length', responseBytes(200, 'half', { 'content-length': '100' })],
    ['chunks', Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n')],
    ['broken chunks', Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzzzz\r\n')],
  ])('a 2xx whose body breaks off (%s) is still a 2xx', async (_how, bytes) => {
    const { result } = await postTo((socket) => socket.end(bytes));
    expect(result).toMatchObject({ outcome: 'ok', statusCode: 200, bodyTruncated: true });
    expect(Buffer.from(result.body).toString()).toBe('half');
  });

  it('without a length, it ends with the connection', async () => {
    const { result } = await postTo((socket) => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it'));
    expect(result).toMatchObject({ outcome: 'ok', bodyTruncated: false });
    expect(Buffer.from(result.body).toString()).toBe('all of it');
  });
});
