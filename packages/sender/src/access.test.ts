import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { makeCertificate, makeCertificates, openTokenServer, type TokenServer } from '@posthorn/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backInPool, endpoint, respondWith, sender, to } from '../test/local-post.js';
import { type OnRequest, type RawEndpoint, responseBytes } from '../test/raw-endpoint.js';
import type { Access, Authentication } from './access.js';
import { explainTls } from './explain-tls.js';
import { lifetimeMs } from './request-token.js';

const LOCAL = '127.0.0.1,localhost';
const resolve = async () => ['127.0.0.1'];

describe('OAuth 2.0 client credentials', () => {
  let server: TokenServer;
  beforeEach(async () => void (server = await openTokenServer()));
  afterEach(() => server.close());

  const access = (more: Partial<Extract<Authentication, { type: 'oauth2' }>> = {}, owner = 'sub_1'): Access => ({
    owner,
    certificateAuthorities: null,
    authentication: {
      type: 'oauth2',
      tokenUrl: server.url,
      clientId: server.clientId,
      clientSecret: server.clientSecret,
      clientAuthentication: 'client_secret_basic',
      scope: null,
      audience: null,
      ...more,
    },
  });
  /** An endpoint that accepts only these tokens; all others get a 401. */
  const guarded = (accepts: () => string[]): Promise<RawEndpoint> => {
    const opened: Promise<RawEndpoint> = endpoint((socket) => {
      const respond = async () => {
        const token = (await opened).requests.at(-1)?.headers['authorization']?.replace('Bearer ', '') ?? '';
        socket.write(responseBytes(accepts().includes(token) ? 200 : 401));
      };
      void respond();
    });
    return opened;
  };
  const tokensOf = ({ requests }: RawEndpoint) => requests.map(({ headers }) => headers['authorization']);

  it('sends the token to the endpoint and the client secret only to the token server', async () => {
    const opened = await guarded(() => server.tokens);
    const posts = sender(LOCAL);
    const own = { Authorization: 'Basic own', 'x-team': 'a' };
    const scoped = access({ scope: 'a b', audience: 'https://hooks.example.com' });
    const result = await posts.post(to(opened.url, { access: scoped, headers: own }));
    expect(result).toMatchObject({ outcome: 'ok', request: { ownNames: ['x-team', 'authorization'] } });
    expect(tokensOf(opened)).toEqual(['Bearer token-1']);
    expect(server.requests).toMatchObject([
      {
        form: { grant_type: 'client_credentials', scope: 'a b', audience: 'https://hooks.example.com' },
        authorization: expect.stringMatching(/^Basic /),
      },
    ]);
    expect(JSON.stringify(opened.requests)).not.toContain(server.clientSecret);
    expect(JSON.stringify(result)).not.toContain('token-1');
  });

  it('can send the client secret in the body', async () => {
    const opened = await guarded(() => server.tokens);
    const inBody = access({ clientAuthentication: 'client_secret_post' });
    expect(await sender(LOCAL).post(to(opened.url, { access: inBody }))).toMatchObject({ outcome: 'ok' });
    expect(server.requests).toMatchObject([{ authorization: undefined, form: { client_id: 'posthorn' } }]);
  });

  it('requests one token for many posts at once, and keeps it for later ones', async () => {
    const opened = await guarded(() => server.tokens);
    const posts = sender(LOCAL);
    const results = await Promise.all(
      Array.from({ length: 20 }, () => posts.post(to(opened.url, { access: access() }))),
    );
    expect(results.map(({ outcome }) => outcome)).toEqual(Array(20).fill('ok'));
    await posts.post(to(opened.url, { access: access() }));
    expect(server.requests).toHaveLength(1);
  });

  it('shares no token between subscriptions, nor after a change of the configuration', async () => {
    const opened = await guarded(() => server.tokens);
    const posts = sender(LOCAL);
    for (const one of [access(), access({}, 'sub_2'), access({ scope: 'other' })])
      await posts.post(to(opened.url, { access: one }));
    expect(tokensOf(opened)).toEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-3']);
  });

  it('replaces a token that the endpoint refuses, with the next attempt', async () => {
    server.respondWith({ expiresIn: 1_000_000 }); // a lie
    let accepted = ['token-1'];
    const opened = await guarded(() => accepted);
    const posts = sender(LOCAL);
    const post = () => posts.post(to(opened.url, { access: access() }));
    expect(await post()).toMatchObject({ outcome: 'ok' });
    accepted = ['token-2'];
    expect(await post()).toMatchObject({
      outcome: 'http_error',
      statusCode: 401,
      errorCode: 'OAUTH_TOKEN_REJECTED',
      error: expect.stringMatching(/401 for the access token.*next attempt gets a new token/),
    });
    expect(await post()).toMatchObject({ outcome: 'ok', errorCode: null });
    expect(tokensOf(opened)).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
  });

  it('a 401 without a token of ours has no such code', async () => {
    const opened = await guarded(() => []);
    expect(await sender(LOCAL).post(to(opened.url))).toMatchObject({ outcome: 'http_error', errorCode: null });
  });

  const html = { status: 200, body: '<html>Log in</html>' };
  const json = { 'content-type': 'application/json' };
  it.each<[string, Parameters<TokenServer['respondWith']>[0], string, RegExp]>([
    ['a page instead of JSON', html, 'OAUTH_RESPONSE_INVALID', /without JSON: "<html>Log in<\/html>".*token endpoint/],
    ['a page with status 404', { status: 404, body: 'no' }, 'OAUTH_CLIENT_REFUSED', /returned 404 without JSON/],
    ['JSON without a token', { status: 200, body: '{}', headers: json }, 'OAUTH_RESPONSE_INVALID', /is not a token/],
    [
      'a token that cannot be sent in a header',
      { status: 200, body: '{"access_token":"a\\r\\nx: y","token_type":"bearer"}', headers: json },
      'OAUTH_RESPONSE_INVALID',
      /cannot be sent in a header/,
    ],
    [
      'a token of another type',
      { status: 200, body: '{"access_token":"a","token_type":"mac"}', headers: json },
      'OAUTH_RESPONSE_INVALID',
      /is not a token/,
    ],
    [
      '400 invalid_scope',
      { status: 400, body: '{"error":"invalid_scope"}' },
      'OAUTH_CLIENT_REFUSED',
      /400, invalid_scope/,
    ],
    [
      'a redirect',
      { status: 302, body: '', headers: { location: '/login' } },
      'OAUTH_RESPONSE_INVALID',
      /Redirects are not/,
    ],
    ['503', { status: 503, body: 'busy' }, 'OAUTH_SERVER_ERROR', /returned 503/],
    ['429', { status: 429, body: '{"error":"slow_down"}' }, 'OAUTH_SERVER_ERROR', /returned 429/],
    [
      'too large a response',
      { status: 200, body: 'x'.repeat(200_000) },
      'OAUTH_RESPONSE_INVALID',
      /too large or broke off/,
    ],
  ])('sends nothing if the token server returns %s', async (_what, behaviour, errorCode, error) => {
    server.respondWith(behaviour);
    const opened = await endpoint(respondWith());
    const result = await sender(LOCAL).post(to(opened.url, { access: access() }));
    expect(result).toMatchObject({ outcome: 'auth_error', statusCode: null, request: null, remoteAddress: null });
    expect(result).toMatchObject({ errorCode, error: expect.stringMatching(error) });
    expect(opened.connections).toBe(0);
  });

  it('sends nothing for a wrong client secret, and never shows it', async () => {
    const opened = await endpoint(respondWith());
    const posts = sender(LOCAL);
    const wrong = access({ clientSecret: 'a wrong one' });
    const result = await posts.post(to(opened.url, { access: wrong }));
    expect(result).toMatchObject({ outcome: 'auth_error', errorCode: 'OAUTH_CLIENT_REFUSED' });
    expect(result.error).toMatch(/401, invalid_client: The client is not known.*Check client id, client secret/);
    server.respondWith({ status: 400, body: '{"error":"invalid_client","error_description":"a wrong one is wrong"}' });
    expect((await posts.post(to(opened.url, { access: wrong }))).error).not.toContain('a wrong one');
    expect(opened.connections).toBe(0);
  });

  it('sends nothing while the token server is down, and recovers', async () => {
    const opened = await guarded(() => ['token-1']);
    const posts = sender(LOCAL);
    const { url } = server;
    await server.close();
    const down = await posts.post(to(opened.url, { access: access({ tokenUrl: url }) }));
    expect(down).toMatchObject({ outcome: 'auth_error', errorCode: 'OAUTH_TOKEN_UNREACHABLE' });
    expect(down.error).toMatch(/No access token from 127\.0\.0\.1.*ECONNREFUSED/);
    server = await openTokenServer();
    expect(await posts.post(to(opened.url, { access: access() }))).toMatchObject({ outcome: 'ok' });
  });

  it('waits for a slow token server no longer than the attempt may take; the token serves the next attempt', async () => {
    const opened = await guarded(() => server.tokens);
    const posts = sender(LOCAL);
    server.respondWith('silent');
    const slow = await posts.post(to(opened.url, { access: access(), timeoutMs: 200 }));
    expect(slow).toMatchObject({ outcome: 'auth_error', errorCode: 'OAUTH_TOKEN_TIMEOUT', request: null });
    expect(slow.error).toMatch(/did not respond within 0\.2 s, the limit of the attempt/);
    // The second attempt waits for the request that is still running, and makes no other one.
    const abort = new AbortController();
    const second = posts.post(to(opened.url, { access: access(), signal: abort.signal }));
    abort.abort();
    expect(await second).toMatchObject({ outcome: 'aborted', request: expect.anything() });
    expect(server.requests).toHaveLength(1);
    expect(opened.connections).toBe(0);
  });

  it('requests tokens under the address policy', async () => {
    const opened = await endpoint(respondWith());
    const posts = sender('localhost', { resolve });
    const local = opened.url.replace('127.0.0.1', 'localhost');
    const result = await posts.post(to(local, { access: access() }));
    expect(result).toMatchObject({ outcome: 'auth_error', errorCode: 'OAUTH_TOKEN_URL_BLOCKED' });
    expect(server.requests).toEqual([]);
    expect(opened.connections).toBe(0);
  });

  it.each([
    [3_600, 3_600_000],
    ['3599', 3_599_000],
    [1, 10_000],
    [1e12, 86_400_000],
    [Infinity, 86_400_000],
    [0, 60_000],
    [-5, 60_000],
    ['soon', 60_000],
    ['', 60_000],
    [null, 60_000],
    [undefined, 60_000],
    [{}, 60_000],
    [NaN, 60_000],
  ])('uses a token with expires_in %j for %d ms', (expiresIn, ms) => {
    expect(lifetimeMs(expiresIn)).toBe(ms);
  });

  it.each([-1, 'soon', 1e15])('accepts a token with expires_in %j', async (expiresIn) => {
    server.respondWith({ expiresIn });
    const opened = await guarded(() => server.tokens);
    expect(await sender(LOCAL).post(to(opened.url, { access: access() }))).toMatchObject({ outcome: 'ok' });
  });
});

describe('certificates', () => {
  const { key, authority, valid, expired } = makeCertificates();
  const other = makeCertificate();
  const client = (certificate: string, privateKey = key): Authentication => ({
    type: 'clientCertificate',
    certificate,
    privateKey,
  });
  const access = (more: Partial<Access>): Access => ({
    owner: 'sub_1',
    authentication: null,
    certificateAuthorities: authority,
    ...more,
  });
  const subjects: string[] = [];
  const sessions: boolean[] = [];
  /** An endpoint with a certificate of `authority`, which may require a client certificate of it. */
  const secure = async (options: tls.TlsOptions = {}, onRequest?: OnRequest) => {
    const record: OnRequest = (socket) => {
      if (!(socket instanceof tls.TLSSocket)) throw new Error('not TLS');
      subjects.push(String(socket.getPeerCertificate().subject?.CN ?? 'none'));
      sessions.push(socket.isSessionReused());
      socket.write(responseBytes(204, '', { connection: 'close' }));
    };
    const opened = await endpoint(onRequest ?? record, { tlsOptions: { key, cert: valid, ...options } });
    return opened.url.replace('127.0.0.1', 'localhost');
  };
  const requiring = { requestCert: true, rejectUnauthorized: true, ca: authority };
  const open = (more = {}) => sender(LOCAL, { resolve, ...more });
  beforeEach(() => {
    subjects.length = 0;
    sessions.length = 0;
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('presents the client certificate with %s', async (maxVersion) => {
    const url = await secure({ ...requiring, maxVersion });
    const posts = open();
    expect(await posts.post(to(url, { access: access({ authentication: client(valid) }) }))).toMatchObject({
      outcome: 'ok',
    });
    expect(subjects).toEqual(['localhost']);
  });

  it('shares connections and TLS sessions only between requests with the same identity', async () => {
    const url = await secure({ requestCert: true, rejectUnauthorized: false, ca: authority });
    const posts = open({ certificateAuthorities: [authority] });
    const identified = access({ authentication: client(valid), certificateAuthorities: null });
    for (const one of [identified, null, identified, null]) {
      expect(await posts.post(to(url, { access: one }))).toMatchObject({ outcome: 'ok' });
      await backInPool();
    }
    expect(subjects.filter((subject) => subject === 'none')).toHaveLength(2);
    expect(subjects[1]).toBe('none');
    expect(sessions).toEqual([false, false, true, true]); // each identity resumes its own
  });

  it('keeps a connection open for the next request with the same identity', async () => {
    const opened = await endpoint(respondWith(responseBytes(204)), {
      tlsOptions: { key, cert: valid, ...requiring },
    });
    const url = opened.url.replace('127.0.0.1', 'localhost');
    const posts = open();
    const identified = access({ authentication: client(valid) });
    for (let count = 0; count < 3; count += 1) {
      await posts.post(to(url, { access: { ...identified } }));
      await backInPool();
    }
    expect(opened.connections).toBe(1);
  });

  it('sends nothing with an expired client certificate', async () => {
    const url = await secure(requiring);
    const result = await open().post(to(url, { access: access({ authentication: client(expired) }) }));
    expect(result).toMatchObject({ outcome: 'auth_error', errorCode: 'CLIENT_CERTIFICATE_EXPIRED', request: null });
    expect(result.error).toMatch(/expired on 2021-01-01, so nothing was sent\. Enter a current certificate/);
    expect(subjects).toEqual([]);
  });

  it('sends nothing with a key of another certificate, or over plain HTTP', async () => {
    const url = await secure(requiring);
    const mismatched = access({ authentication: client(valid, other.key) });
    expect(await open().post(to(url, { access: mismatched }))).toMatchObject({
      outcome: 'auth_error',
      errorCode: 'CLIENT_CERTIFICATE_INVALID',
    });
    const plain = await endpoint(respondWith());
    const identified = access({ authentication: client(valid) });
    expect(await open().post(to(plain.url, { access: identified }))).toMatchObject({
      outcome: 'auth_error',
      errorCode: 'CLIENT_CERTIFICATE_NEEDS_HTTPS',
    });
    expect(plain.connections).toBe(0);
  });

  it('explains that the endpoint refused the client certificate', async () => {
    const url = await secure({ ...requiring, minVersion: 'TLSv1.3' });
    const result = await open().post(to(url, { access: access({ authentication: client(other.cert, other.key) }) }));
    // Node's server ends the connection without an alert.
    expect(result).toMatchObject({ outcome: 'connect_error', statusCode: null });
    expect(result.error).toMatch(/closed the connection.*may have refused the client certificate of this webhook/);
    const alert = { host: 'a.example', error: null, presentsCertificate: true };
    expect(explainTls('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', alert)).toMatch(
      /a\.example refused the client certificate of this webhook.*Check that the endpoint trusts its authority/,
    );
  });

  it('trusts the certificate authorities of the subscription for it alone', async () => {
    const url = await secure();
    const posts = open();
    expect(await posts.post(to(url, { access: access({}) }))).toMatchObject({ outcome: 'ok' });
    expect(await posts.post(to(url))).toMatchObject({ outcome: 'tls_error' });
    const others = access({ certificateAuthorities: other.cert });
    expect(await posts.post(to(url, { access: others }))).toMatchObject({ outcome: 'tls_error' });
  });

  it('regression: trusts an authority of any length, also one whose last line of PEM is full', async () => {
    let full = makeCertificate();
    for (let length = 1; new X509Certificate(full.cert).raw.length % 48 !== 0; length += 1)
      full = makeCertificate({ comment: 'x'.repeat(length) });
    const url = await secure(full);
    const posts = open();
    const trusting = access({ certificateAuthorities: full.cert });
    expect(await posts.post(to(url, { access: trusting }))).toMatchObject({ outcome: 'ok' });
  });

  it('still trusts the public authorities beside its own and those of the operator', async () => {
    const { createSecureContext } = tls;
    const root = makeCertificate();
    // Stands for a public authority, which Node adds to every context without the option `ca`.
    tls.createSecureContext = (options) => {
      const context = createSecureContext(options);
      if (options?.ca === undefined) (context.context as { addCACert(pem: string): void }).addCACert(root.cert);
      return context;
    };
    try {
      const url = await secure({ key: root.key, cert: root.cert });
      const posts = open({ certificateAuthorities: [other.cert] });
      for (const one of [access({}), null]) {
        expect(await posts.post(to(url, { access: one }))).toMatchObject({ outcome: 'ok' });
      }
    } finally {
      tls.createSecureContext = createSecureContext;
    }
  });

  it('trusts the authorities of the operator for every request, also beside those of a subscription', async () => {
    const url = await secure();
    const posts = open({ certificateAuthorities: [other.cert, authority] });
    for (const one of [null, access({ certificateAuthorities: other.cert })]) {
      expect(await posts.post(to(url, { access: one }))).toMatchObject({ outcome: 'ok' });
    }
  });

  it('builds the TLS context of an identity once, and none per connection for the authorities of the operator', async () => {
    const url = await secure({}, (socket) => socket.write(responseBytes(204, '', { connection: 'close' })));
    const { createSecureContext } = tls;
    let built = 0;
    tls.createSecureContext = (options) => {
      built += 1;
      return createSecureContext(options);
    };
    try {
      const posts = open({ certificateAuthorities: [authority] });
      for (const one of [null, access({}), null, access({})]) {
        expect(await posts.post(to(url, { access: one }))).toMatchObject({ outcome: 'ok' });
        await backInPool();
      }
      expect(built).toBe(2);
    } finally {
      tls.createSecureContext = createSecureContext;
    }
  });

  it('requests a token with the certificate authorities of the subscription', async () => {
    const server = await openTokenServer({ tls: { key, cert: valid } });
    const opened = await endpoint(respondWith());
    const { clientId, clientSecret, url: tokenUrl } = server;
    const authentication: Authentication = {
      type: 'oauth2',
      tokenUrl,
      clientId,
      clientSecret,
      clientAuthentication: 'client_secret_basic',
      scope: null,
      audience: null,
    };
    const posts = open();
    const without = access({ authentication, certificateAuthorities: null });
    expect(await posts.post(to(opened.url, { access: without }))).toMatchObject({
      errorCode: 'OAUTH_TOKEN_UNREACHABLE',
    });
    expect(await posts.post(to(opened.url, { access: access({ authentication }) }))).toMatchObject({ outcome: 'ok' });
    await server.close();
  });
});
