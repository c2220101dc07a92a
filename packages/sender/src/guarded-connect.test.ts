import net from 'node:net';
import { makeCertificate, trust } from '@posthorn/testing';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { backInPool, endpoint, respondWith, sender, to } from '../test/local-post.js';
import { policyOf } from '../test/policy.js';
import { responseBytes } from '../test/raw-endpoint.js';
import { guardConnections } from './guarded-connect.js';
import type { Resolve } from './index.js';

afterEach(() => void vi.restoreAllMocks());

/** A resolver that returns these results in turn and counts. */
function scripted(...answers: (readonly string[] | Error)[]) {
  const asked: string[] = [];
  const resolve: Resolve = async (name) => {
    const next = answers[Math.min(asked.push(name), answers.length) - 1];
    if (next === undefined || next instanceof Error) throw next ?? new Error('no result is scripted');
    return next;
  };
  return { asked, resolve };
}

/** A resolver that knows these names and never responds for others. */
function knowing(names: Record<string, string[]>): Resolve {
  return (name) => new Promise((resolve) => names[name] && resolve(names[name]));
}

async function countingEndpoint() {
  const opened = await endpoint(respondWith());
  return { port: opened.port, connectionsNow: () => opened.connections };
}

describe('allowed targets of a connection', () => {
  it.each([
    ['an address literal', 'http://127.0.0.1'],
    ['a decimal one', 'http://2130706433'],
    ['a hex one', 'http://0x7f.1'],
    ['one inside IPv6', 'http://[::ffff:127.0.0.1]'],
    ['localhost', 'http://localhost'],
  ])('refuses %s before anything is sent or resolved', async (_what, origin) => {
    const { port, connectionsNow } = await countingEndpoint();
    const { asked, resolve } = scripted(['127.0.0.1']);
    const result = await sender('none', { resolve }).post(to(`${origin}:${port}/`));
    expect(result).toMatchObject({ outcome: 'blocked', remoteAddress: null, statusCode: null, responseHeaders: null });
    expect(asked).toEqual([]);
    expect(connectionsNow()).toBe(0);
  });

  it.each(['127.0.0.1', '[::1]', '::1', '::ffff:7f00:1'])(
    'the connector refuses %s itself and does not connect',
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

  it('refuses a name that resolves to a private address without revealing address, port or whether it is open', async () => {
    const { port } = await countingEndpoint();
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
    ['that is invalid', ['127.0.0.1', 'nonsense']],
  ])('one forbidden address %s refuses the whole name', async (_where, addresses) => {
    const { port, connectionsNow } = await countingEndpoint();
    const result = await sender('127.0.0.1', scripted(addresses)).post(to(`http://hooks.example.com:${port}/`));
    expect(result.outcome).toBe('blocked');
    expect(connectionsNow()).toBe(0);
  });

  it('rebinding: refuses a name that now resolves to a private address; each connection resolves once', async () => {
    const outside = await endpoint((socket) => void socket.write(responseBytes(200, '', { connection: 'close' })));
    const { asked, resolve } = scripted(['127.0.0.1'], ['127.0.0.2']);
    const guarded = sender('127.0.0.1', { resolve });
    const url = `http://hooks.example.com:${outside.port}/`;
    expect((await guarded.post(to(url))).outcome).toBe('ok');
    expect((await guarded.post(to(url))).outcome).toBe('blocked');
    expect(asked).toEqual(['hooks.example.com', 'hooks.example.com']);
    expect(outside.requests).toHaveLength(1);
    expect(outside.requests[0]?.headers['host']).toBe(`hooks.example.com:${outside.port}`);
  });

  it('checks the peer’s address again when it is connected; nothing is sent', async () => {
    const { url, requests, sockets } = await endpoint(respondWith());
    const connect: (...options: never) => net.Socket = net.connect;
    vi.spyOn(net, 'connect').mockImplementation((...options: unknown[]) =>
      Object.defineProperty(Reflect.apply(connect, net, options), 'remoteAddress', { value: '10.0.0.1' }),
    );
    const result = await sender('127.0.0.1').post(to(url));
    expect(result).toMatchObject({ outcome: 'blocked', remoteAddress: null });
    await expect.poll(() => sockets.size).toBe(0);
    expect(requests).toHaveLength(0);
  });

  it('uses a kept-open connection without resolving', async () => {
    const { port } = await endpoint(respondWith());
    const { asked, resolve } = scripted(['127.0.0.1']);
    const guarded = sender('127.0.0.1', { resolve });
    for (let posts = 0; posts < 3; posts++) {
      await guarded.post(to(`http://hooks.example.com:${port}/`));
      await backInPool();
    }
    expect(asked).toHaveLength(1);
  });

  it('allows a listed name only for itself, and never for metadata', async () => {
    const { port } = await endpoint(respondWith());
    const resolve = knowing({
      endpoint: ['127.0.0.1'],
      'hooks.example.com': ['127.0.0.1'],
      disguise: ['169.254.169.254'],
    });
    const guarded = sender('endpoint,disguise', { resolve });
    expect((await guarded.post(to(`http://endpoint:${port}/`))).outcome).toBe('ok');
    expect((await guarded.post(to(`http://hooks.example.com:${port}/`))).outcome).toBe('blocked');
    expect((await guarded.post(to(`http://disguise:${port}/`))).outcome).toBe('blocked');
  });

  it('reaches a private name only if all its addresses are allowed', async () => {
    const { port, requests } = await endpoint(respondWith());
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
  ])('refuses %s that the operator denies when connecting, whatever the allow list', async (_what, deny) => {
    const { port, connectionsNow } = await countingEndpoint();
    const resolve = knowing({ 'hooks.example.com': ['127.0.0.1'] });
    const policy = policyOf({ allow: '127.0.0.0/8,hooks.example.com', deny });
    const result = await sender('none', { policy, resolve }).post(to(`http://hooks.example.com:${port}/`));
    expect(result).toMatchObject({ outcome: 'blocked', remoteAddress: null });
    expect(connectionsNow()).toBe(0);
  });

  it('sends nothing to the host of PUBLIC_URL, even for existing subscriptions', async () => {
    const { port, connectionsNow } = await countingEndpoint();
    const resolve = knowing({ 'hooks.example.com': ['127.0.0.1'] });
    const policy = policyOf({ allow: '127.0.0.0/8', publicUrl: 'https://hooks.example.com/posthorn' });
    const result = await sender('none', { policy, resolve }).post(to(`http://hooks.example.com:${port}/`));
    expect(result).toMatchObject({ outcome: 'blocked', error: expect.stringContaining('this service itself') });
    expect(connectionsNow()).toBe(0);
  });

  it('refuses http when sending, too, once https is required', async () => {
    const { url, requests } = await endpoint(respondWith());
    const policy = policyOf({ allow: '127.0.0.1', requireHttps: true });
    const result = await sender('none', { policy }).post(to(url));
    expect(result).toMatchObject({ outcome: 'blocked', error: 'The URL must start with https://.' });
    expect(requests).toHaveLength(0);
  });

  it('tries the next address if one refuses', async () => {
    const { port } = await endpoint(respondWith(), { host: '127.0.0.2' });
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
      expect(result).toMatchObject({
        outcome: 'dns_error',
        errorCode: code,
        error: expect.stringContaining(code),
        remoteAddress: null,
      });
    },
  );

  it('no address at all: dns_error', async () => {
    expect((await sender('none', scripted([])).post(to('http://hooks.example.com/'))).outcome).toBe('dns_error');
  });

  it('a name server that never responds: dns_error after the connect timeout, without delaying others', async () => {
    const { port } = await endpoint(respondWith());
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

/** Accepts the TCP connection and never responds in the TLS handshake. */
const silent = () => endpoint(() => {});

describe('connecting for too long', () => {
  it('ends after the connect timeout, and the error says so', async () => {
    const { port } = await silent();
    const result = await sender('127.0.0.1', { connectTimeoutMs: 500 }).post(to(`https://127.0.0.1:${port}/`));
    expect(result).toMatchObject({
      outcome: 'timeout',
      errorCode: null,
      error: expect.stringContaining('Could not connect to 127.0.0.1'),
    });
    expect(result.error).toContain('within 0.5 s');
    expect(result.timings).toMatchObject({ connectMs: expect.any(Number), tlsMs: null, firstByteMs: null });
  });

  it('ends at the timeout of the whole post if that is sooner, and closes the socket', async () => {
    const { port, sockets } = await silent();
    const result = await sender('127.0.0.1').post(to(`https://127.0.0.1:${port}/`, { timeoutMs: 200 }));
    expect(result).toMatchObject({ outcome: 'timeout', error: expect.stringContaining('Could not connect') });
    await expect.poll(() => sockets.size).toBe(0);
  });

  it('is canceled when the signal fires', async () => {
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

  it('an untrusted certificate: tls_error, whatever the environment, and nothing is sent', async () => {
    const { port, requests } = await endpoint(respondWith(), { tlsOptions: { key, cert } });
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const result = await sender('127.0.0.1,localhost', scripted(['127.0.0.1'])).post(to(`https://localhost:${port}/`));
    vi.unstubAllEnvs();
    expect(result).toMatchObject({
      outcome: 'tls_error',
      errorCode: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      error: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
    });
    expect(requests).toHaveLength(0);
  });

  it('a trusted certificate: ok, with the duration of the handshake; a wrong name is a tls_error', async () => {
    onTestFinished(trust(cert));
    const { port } = await endpoint(respondWith(), { tlsOptions: { key, cert } });
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
      errorCode: 'ERR_TLS_CERT_ALTNAME_INVALID',
      error: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    });
  });

  it('an endpoint that closes the connection in the handshake: connect_error', async () => {
    const opened = await endpoint(() => {});
    const watch = setInterval(() => opened.sockets.forEach((socket) => socket.destroy()), 5);
    const result = await sender('127.0.0.1').post(to(`https://127.0.0.1:${opened.port}/`));
    clearInterval(watch);
    expect(result.outcome).toBe('connect_error');
  });
});
