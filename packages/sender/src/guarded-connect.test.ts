import net from 'node:net';
import { makeCertificate, trust } from '@posthorn/testing';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { backInPool, receiver, saying, sender, to } from '../test/local-post.js';
import { policyOf } from '../test/policy.js';
import { answer } from '../test/receivers.js';
import { guardConnections } from './guarded-connect.js';
import type { Resolve } from './index.js';

afterEach(() => void vi.restoreAllMocks());

/** A resolver that answers in turn and counts. */
function scripted(...answers: (readonly string[] | Error)[]) {
  const asked: string[] = [];
  const resolve: Resolve = async (name) => {
    const next = answers[Math.min(asked.push(name), answers.length) - 1];
    if (next === undefined || next instanceof Error) throw next ?? new Error('no answer is scripted');
    return next;
  };
  return { asked, resolve };
}

/** A resolver that knows these names and never answers for another. */
function knowing(names: Record<string, string[]>): Resolve {
  return (name) => new Promise((resolve) => names[name] && resolve(names[name]));
}

async function countingReceiver() {
  const opened = await receiver(saying());
  return { port: opened.port, connectionsNow: () => opened.connections };
}

describe('where a connection may lead (X1)', () => {
  it.each([
    ['an address literal', 'http://127.0.0.1'],
    ['a decimal one', 'http://2130706433'],
    ['a hex one', 'http://0x7f.1'],
    ['one inside IPv6', 'http://[::ffff:127.0.0.1]'],
    ['localhost', 'http://localhost'],
  ])('%s is refused before anything is sent or looked up', async (_what, origin) => {
    const { port, connectionsNow } = await countingReceiver();
    const { asked, resolve } = scripted(['127.0.0.1']);
    const result = await sender('none', { resolve }).post(to(`${origin}:${port}/`));
    expect(result).toMatchObject({ outcome: 'blocked', remoteAddress: null, statusCode: null, responseHeaders: null });
    expect(asked).toEqual([]);
    expect(connectionsNow()).toBe(0);
  });

  it.each(['127.0.0.1', '[::1]', '::1', '::ffff:7f00:1'])(
    'the connector refuses %s by itself: no connection is even tried',
    async (hostname) => {
      const tried = vi.spyOn(net, 'connect');
      const connect = guardConnections({ policy: policyOf(), resolve: scripted().resolve, timeoutMs: 1_000 });
      const failure = await new Promise((resolve) => {
        connect({ hostname, protocol: 'http:', port: '80' }, (...[error]) => resolve(error));
      });
      expect(failure).toMatchObject({ outcome: 'blocked' });
      expect(tried).not.toHaveBeenCalled();
    },
  );

  it('a name that leads inside is refused, coarsely: no address, no port, no way to tell open from closed (X12)', async () => {
    const { port } = await countingReceiver();
    const open = await sender('none', scripted(['127.0.0.1'])).post(to(`http://hooks.example.com:${port}/`));
    const closed = await sender('none', scripted(['127.0.0.1'])).post(to('http://hooks.example.com:65000/'));
    expect(open).toMatchObject({ outcome: 'blocked', remoteAddress: null, timings: { connectMs: null } });
    expect(closed.error).toBe(open.error);
    expect(open.error).not.toMatch(/127|loopback/);
  });

  it.each([
    ['last', ['127.0.0.1', '10.0.0.1']],
    ['first', ['10.0.0.1', '127.0.0.1']],
    ['of the other family', ['127.0.0.1', 'fd00::1']],
    ['that is none', ['127.0.0.1', 'nonsense']],
  ])('one forbidden address %s among the answers refuses the whole name', async (_where, addresses) => {
    const { port, connectionsNow } = await countingReceiver();
    const result = await sender('127.0.0.1', scripted(addresses)).post(to(`http://hooks.example.com:${port}/`));
    expect(result.outcome).toBe('blocked');
    expect(connectionsNow()).toBe(0);
  });

  it('rebinding: a name that was fine and then leads inside is refused; each connection asks exactly once', async () => {
    const outside = await receiver((socket) => void socket.write(answer(200, '', { connection: 'close' })));
    const { asked, resolve } = scripted(['127.0.0.1'], ['127.0.0.2']);
    const guarded = sender('127.0.0.1', { resolve });
    const url = `http://hooks.example.com:${outside.port}/`;
    expect((await guarded.post(to(url))).outcome).toBe('ok');
    expect((await guarded.post(to(url))).outcome).toBe('blocked');
    expect(asked).toEqual(['hooks.example.com', 'hooks.example.com']);
    expect(outside.requests).toHaveLength(1);
    expect(outside.requests[0]?.headers['host']).toBe(`hooks.example.com:${outside.port}`);
  });

  it('the address of the peer is judged once more when the connection stands; nothing is sent', async () => {
    const { url, requests, sockets } = await receiver(saying());
    const connect: (...options: never) => net.Socket = net.connect;
    vi.spyOn(net, 'connect').mockImplementation((...options: unknown[]) =>
      Object.defineProperty(Reflect.apply(connect, net, options), 'remoteAddress', { value: '10.0.0.1' }),
    );
    const result = await sender('127.0.0.1').post(to(url));
    expect(result).toMatchObject({ outcome: 'blocked', remoteAddress: null });
    await expect.poll(() => sockets.size).toBe(0);
    expect(requests).toHaveLength(0);
  });

  it('a kept-open connection is used again without asking', async () => {
    const { port } = await receiver(saying());
    const { asked, resolve } = scripted(['127.0.0.1']);
    const guarded = sender('127.0.0.1', { resolve });
    for (let posts = 0; posts < 3; posts++) {
      await guarded.post(to(`http://hooks.example.com:${port}/`));
      await backInPool();
    }
    expect(asked).toHaveLength(1);
  });

  it('a listed name is lifted for itself only, metadata not even then', async () => {
    const { port } = await receiver(saying());
    const resolve = knowing({
      receiver: ['127.0.0.1'],
      'hooks.example.com': ['127.0.0.1'],
      disguise: ['169.254.169.254'],
    });
    const guarded = sender('receiver,disguise', { resolve });
    expect((await guarded.post(to(`http://receiver:${port}/`))).outcome).toBe('ok');
    expect((await guarded.post(to(`http://hooks.example.com:${port}/`))).outcome).toBe('blocked');
    expect((await guarded.post(to(`http://disguise:${port}/`))).outcome).toBe('blocked');
  });

  it('a name of a private network is reached when every address of it is allowed, and only then (A7)', async () => {
    const { port, requests } = await receiver(saying());
    const service = 'svc.ns.svc.cluster.local';
    const post = (allow: string, addresses: string[]) =>
      sender(allow, { resolve: knowing({ [service]: addresses }) }).post(to(`http://${service}:${port}/`));
    expect((await post('127.0.0.0/8', ['127.0.0.1'])).outcome).toBe('ok');
    expect((await post('127.0.0.0/8', ['127.0.0.1', '10.0.0.1'])).outcome).toBe('blocked');
    expect((await post('10.0.0.0/8', ['127.0.0.1'])).outcome).toBe('blocked');
    expect((await post('*.svc.cluster.local', ['127.0.0.1'])).outcome).toBe('ok');
    expect((await post('*.svc.cluster.local,0.0.0.0/0', ['169.254.169.254'])).outcome).toBe('blocked');
    expect(requests).toHaveLength(2);
  });

  it.each([
    ['an address', '127.0.0.1'],
    ['a network', '127.0.0.0/8'],
    ['its mapped spelling', '::ffff:127.0.0.0/104'],
    ['the name', 'hooks.example.com'],
    ['a wildcard', '*.example.com'],
  ])(
    '%s that the operator denies is refused on the connection, whatever the allow list says (S10)',
    async (_what, deny) => {
      const { port, connectionsNow } = await countingReceiver();
      const resolve = knowing({ 'hooks.example.com': ['127.0.0.1'] });
      const policy = policyOf({ allow: '127.0.0.0/8,hooks.example.com', deny });
      const result = await sender('none', { policy, resolve }).post(to(`http://hooks.example.com:${port}/`));
      expect(result).toMatchObject({ outcome: 'blocked', remoteAddress: null });
      expect(connectionsNow()).toBe(0);
    },
  );

  it('nothing is sent to the host of PUBLIC_URL, also for subscriptions that have it already (S10)', async () => {
    const { port, connectionsNow } = await countingReceiver();
    const resolve = knowing({ 'hooks.example.com': ['127.0.0.1'] });
    const policy = policyOf({ allow: '127.0.0.0/8', publicUrl: 'https://hooks.example.com/posthorn' });
    const result = await sender('none', { policy, resolve }).post(to(`http://hooks.example.com:${port}/`));
    expect(result).toMatchObject({ outcome: 'blocked', error: expect.stringContaining('this service itself') });
    expect(connectionsNow()).toBe(0);
  });

  it('http is refused at sending too, once https is required', async () => {
    const { url, requests } = await receiver(saying());
    const policy = policyOf({ allow: '127.0.0.1', requireHttps: true });
    const result = await sender('none', { policy }).post(to(url));
    expect(result).toMatchObject({ outcome: 'blocked', error: 'The URL must start with https://.' });
    expect(requests).toHaveLength(0);
  });

  it('the next address is tried when one refuses', async () => {
    const { port } = await receiver(saying(), { host: '127.0.0.2' });
    const result = await sender('127.0.0.0/8', scripted(['127.0.0.3', '127.0.0.2'])).post(
      to(`http://hooks.example.com:${port}/`),
    );
    expect(result).toMatchObject({ outcome: 'ok', remoteAddress: '127.0.0.2' });
  });
});

describe('names that do not resolve', () => {
  it.each(['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'EREFUSED', 'ETIMEOUT', 'ECONNREFUSED'])(
    '%s: dns_error',
    async (code) => {
      const result = await sender('none', scripted(Object.assign(new Error(code), { code }))).post(
        to('http://hooks.example.com/'),
      );
      expect(result).toMatchObject({ outcome: 'dns_error', error: expect.stringContaining(code), remoteAddress: null });
    },
  );

  it('no address at all: dns_error', async () => {
    expect((await sender('none', scripted([])).post(to('http://hooks.example.com/'))).outcome).toBe('dns_error');
  });

  it('a name server that never answers: dns_error when connecting may take no longer; others are not held up', async () => {
    const { port } = await receiver(saying());
    const resolve = knowing({ 'ok.example.com': ['127.0.0.1'] });
    const guarded = sender('127.0.0.1', { resolve, connectTimeoutMs: 1_000 });
    const stalled = Array.from({ length: 20 }, (_, index) => guarded.post(to(`http://n${index}.example.com/`)));
    const fine = await guarded.post(to(`http://ok.example.com:${port}/`));
    expect(fine.outcome).toBe('ok');
    for (const { outcome } of await Promise.all(stalled)) {
      expect(outcome).toBe('dns_error');
    }
  });
});

/** Accepts the TCP connection and then never answers the TLS handshake. */
const silent = () => receiver(() => {});

describe('connecting that takes too long', () => {
  it('ends after the connect timeout, and the error says it was the connecting', async () => {
    const { port } = await silent();
    const result = await sender('127.0.0.1', { connectTimeoutMs: 500 }).post(to(`https://127.0.0.1:${port}/`));
    expect(result).toMatchObject({
      outcome: 'timeout',
      error: expect.stringContaining('Could not connect to 127.0.0.1'),
    });
    expect(result.error).toContain('within 0.5 s');
    expect(result.timings).toMatchObject({ connectMs: expect.any(Number), tlsMs: null, firstByteMs: null });
  });

  it('ends at the deadline of the whole, if that is sooner, and lets go of the socket', async () => {
    const { port, sockets } = await silent();
    const result = await sender('127.0.0.1').post(to(`https://127.0.0.1:${port}/`, { timeoutMs: 200 }));
    expect(result).toMatchObject({ outcome: 'timeout', error: expect.stringContaining('Could not connect') });
    await expect.poll(() => sockets.size).toBe(0);
  });

  it('is given up when the signal fires', async () => {
    const { port, sockets } = await silent();
    const shutdown = new AbortController();
    const post = sender('127.0.0.1').post(to(`https://127.0.0.1:${port}/`, { signal: shutdown.signal }));
    await expect.poll(() => sockets.size).toBe(1);
    shutdown.abort();
    expect((await post).outcome).toBe('aborted');
    await expect.poll(() => sockets.size).toBe(0);
  });
});

describe('TLS', () => {
  const { key, cert } = makeCertificate();

  it('a certificate that nobody vouches for: tls_error, whatever the environment says, and nothing is sent', async () => {
    const { port, requests } = await receiver(saying(), { tlsOptions: { key, cert } });
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const result = await sender('127.0.0.1,localhost', scripted(['127.0.0.1'])).post(to(`https://localhost:${port}/`));
    vi.unstubAllEnvs();
    expect(result).toMatchObject({
      outcome: 'tls_error',
      error: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
    });
    expect(requests).toHaveLength(0);
  });

  it('with a certificate that is vouched for: ok, with the time of the handshake; the wrong name is a tls_error', async () => {
    onTestFinished(trust(cert));
    const { port } = await receiver(saying(), { tlsOptions: { key, cert } });
    const guarded = sender('127.0.0.1,localhost', scripted(['127.0.0.1']));
    const first = await guarded.post(to(`https://localhost:${port}/`));
    expect(first).toMatchObject({ outcome: 'ok', remoteAddress: '127.0.0.1' });
    expect(first.timings).toEqual({
      dnsMs: expect.any(Number),
      connectMs: expect.any(Number),
      tlsMs: expect.any(Number),
      firstByteMs: expect.any(Number),
    });
    await backInPool();
    const second = await guarded.post(to(`https://localhost:${port}/`));
    expect(second.timings).toMatchObject({ dnsMs: null, connectMs: null, tlsMs: null });
    const other = await guarded.post(to(`https://other.example.com:${port}/`));
    expect(other).toMatchObject({
      outcome: 'tls_error',
      error: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    });
  });

  it('a receiver that hangs up in the handshake: connect_error', async () => {
    const opened = await receiver(() => {});
    const watch = setInterval(() => opened.sockets.forEach((socket) => socket.destroy()), 5);
    const result = await sender('127.0.0.1').post(to(`https://127.0.0.1:${opened.port}/`));
    clearInterval(watch);
    expect(result.outcome).toBe('connect_error');
  });
});
