import { SCOPES, toUuid } from '@posthorn/contract';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { buildApp } from '../app.js';
import { type ApiResponse, type Method, OPERATOR_KEY, openTestApi } from '../api.test-support.js';

const api = await openTestApi();
afterAll(() => api.close());
beforeEach(() => api.deps.db.pool.query('DELETE FROM login_limits'));

const CSRF = { 'x-posthorn-csrf': '1' };
const cookieOf = ({ headers }: ApiResponse): string => String(headers['set-cookie']).split(';', 1)[0] ?? '';
const login = (key: string, headers: Record<string, string> = {}) =>
  api.call('POST', '/v1/session', { key: null, body: { key }, headers });
const signIn = async (key: string) => cookieOf(await login(key));
const withCookie = (cookie: string, method: Method, url: string, more: { headers?: object; body?: unknown } = {}) =>
  api.call(method, url, { key: null, ...more, headers: { cookie, ...more.headers } });
const who = async (cookie: string) => (await withCookie(cookie, 'GET', '/v1/session')).status;
const sql = (text: string, values: unknown[] = []) => api.deps.db.pool.query(text, values);

describe('POST /v1/session', () => {
  it('the operator key opens a session with a cookie that scripts cannot read and that ends after twelve hours', async () => {
    const response = await login(OPERATOR_KEY);
    expect(response.status).toBe(201);
    expect(response.headers['set-cookie']).toMatch(
      /^posthorn=phs_[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    );
    expect(response.text).not.toContain('phs_');
    expect(response.json).toMatchObject({ kind: 'operator', accountId: null, keyId: null, scopes: SCOPES });
    const lastsMs = Date.parse(response.json.expiresAt) - Date.now();
    expect(lastsMs / 3_600_000).toBeCloseTo(12, 1);
    const me = await withCookie(cookieOf(response), 'GET', '/v1/session');
    expect(me.json).toEqual(response.json);
    expect((await withCookie(cookieOf(response), 'GET', '/v1/accounts')).status).toBe(200);
  });

  it('the session of an account key has only its account and scopes', async () => {
    const [account, other] = [await api.account(), await api.account()];
    const cookie = await signIn(await api.key(account, ['events:read']));
    expect((await withCookie(cookie, 'GET', '/v1/session')).json).toMatchObject({
      kind: 'account',
      accountId: account,
      keyId: expect.stringMatching(/^key_/),
      scopes: ['events:read'],
    });
    const status = async (path: string) => (await withCookie(cookie, 'GET', path)).status;
    expect(await status(`/v1/accounts/${account}/events`)).toBe(200);
    expect(await status(`/v1/accounts/${account}/deliveries`)).toBe(403);
    expect(await status(`/v1/accounts/${other}/events`)).toBe(404);
    expect(await status('/v1/accounts')).toBe(403);
  });

  it('over https the cookie is __Host- and Secure, and the plain one is ignored', async () => {
    const https = { 'x-forwarded-proto': 'https' };
    const response = await login(OPERATOR_KEY, https);
    expect(response.headers['set-cookie']).toMatch(/^__Host-posthorn=.*; Path=\/; .*; Secure$/);
    const cookie = cookieOf(response);
    const me = async (sent: string) => (await withCookie(sent, 'GET', '/v1/session', { headers: https })).status;
    expect(await me(cookie)).toBe(200);
    expect(await me(cookie.replace('__Host-', ''))).toBe(401);
  });

  it('a wrong key is a 401 without a cookie; the database stores no token', async () => {
    const response = await login('phk_nobody');
    expect([response.status, response.json.code, response.headers['set-cookie']]).toEqual([
      401,
      'unauthenticated',
      undefined,
    ]);
    const cookie = await signIn(OPERATOR_KEY);
    const { rows } = await sql(`SELECT string_agg(s::text, ' ') AS stored FROM sessions s`);
    const token = cookie.replace('posthorn=', '');
    expect(rows[0].stored).not.toContain(token);
    expect(rows[0].stored).not.toContain(Buffer.from(token).toString('hex'));
  });

  it('a page of another origin cannot sign in', async () => {
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      expect((await login(OPERATOR_KEY, headers as Record<string, string>)).status).toBe(403);
    }
    expect((await login(OPERATOR_KEY, { origin: 'http://localhost:80', host: 'localhost' })).status).toBe(201);
  });

  it('the 11th wrong key of an address within a minute is a 429 with Retry-After; a minute later it is a 401 again', async () => {
    const guesses = await Promise.all(Array.from({ length: 10 }, () => login('phk_guess')));
    expect(guesses.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 401));
    const refused = await login('phk_guess');
    expect([refused.status, refused.json.code]).toEqual([429, 'rate_limited']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
    await sql(`UPDATE login_limits SET since = since - interval '61 seconds'`);
    expect((await login('phk_guess')).status).toBe(401);
  });

  it('accepts the correct key after any number of wrong ones, from this and other addresses', async () => {
    await sql(
      `INSERT INTO login_limits (caller, count) VALUES ('', 320), ('127.0.0.1', 320), ('203.0.113.1', 320), ('203.0.113.2', 320)`,
    );
    expect((await login('phk_guess')).status).toBe(429);
    expect((await login(OPERATOR_KEY)).status).toBe(201);
    expect((await login(await api.key(await api.account()))).status).toBe(201);
  });

  it('limits concurrent guesses like sequential ones', async () => {
    const guesses = await Promise.all(Array.from({ length: 40 }, () => login('phk_guess')));
    expect(guesses.filter(({ status }) => status === 401)).toHaveLength(10);
    expect(guesses.filter(({ status }) => status === 429)).toHaveLength(30);
  });

  it('a valid login in between does not allow more guesses', async () => {
    const own = await api.key(await api.account());
    for (let guess = 0; guess < 10; guess += 1) {
      await login('phk_guess');
      if (guess < 9) await login(own);
    }
    expect((await login('phk_guess')).status).toBe(429);
  });

  it('does not count guesses of another address', async () => {
    await Promise.all(Array.from({ length: 11 }, () => login('phk_guess')));
    const response = await api.app.inject({
      method: 'POST',
      url: '/v1/session',
      payload: { key: 'phk_guess' },
      remoteAddress: '203.0.113.9',
    });
    expect(response.statusCode).toBe(401);
  });

  it('behind a trusted proxy, counts per client in any address format, and an invalid address as the proxy', async () => {
    const app = await buildApp({ ...api.deps, trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });
    const guess = async (forwarded: string, remoteAddress = '127.0.0.1') => {
      const headers = { 'x-forwarded-for': forwarded };
      const payload = { key: 'phk_guess' };
      await app.inject({ method: 'POST', url: '/v1/session', headers, payload, remoteAddress });
    };
    await guess('203.0.113.9');
    await guess('6.6.6.6, 203.0.113.9:5678');
    await guess('203.0.113.9:1, 10.0.0.7:443');
    await guess('[2001:db8::1]:443');
    await guess('2001:0DB8::ffff');
    await guess('garbage-1');
    await guess('203.0.113.9, garbage-2');
    await guess('203.0.113.9', '198.51.100.1'); // not from a trusted proxy
    await app.close();
    const { rows } = await sql(`SELECT caller, count FROM login_limits ORDER BY caller COLLATE "C"`);
    expect(rows).toEqual([
      { caller: '127.0.0.1', count: 2 },
      { caller: '198.51.100.1', count: 1 },
      { caller: '2001:db8:0:0::/64', count: 2 },
      { caller: '203.0.113.9', count: 3 },
    ]);
  });
});

describe('a session ends', () => {
  const open = async () => {
    const response = await login(OPERATOR_KEY);
    return { cookie: cookieOf(response), id: toUuid('ses', response.json.id) ?? '' };
  };

  it('by signing out, which also deletes the cookie', async () => {
    const { cookie } = await open();
    const out = await withCookie(cookie, 'DELETE', '/v1/session', { headers: CSRF });
    expect(out.status).toBe(204);
    expect(out.headers['set-cookie']).toMatch(/^posthorn=; Path=\/; Max-Age=0; /);
    expect(await who(cookie)).toBe(401);
  });

  it('when it expires', async () => {
    const { cookie, id } = await open();
    await sql(`UPDATE sessions SET expires_at = now() + interval '10 seconds' WHERE id = $1`, [id]);
    expect(await who(cookie)).toBe(200);
    await sql(`UPDATE sessions SET expires_at = now() WHERE id = $1`, [id]);
    expect(await who(cookie)).toBe(401);
  });

  it('when it was idle for two hours', async () => {
    const { cookie, id } = await open();
    const unused = (time: string) =>
      sql(`UPDATE sessions SET last_used_at = now() - $2::interval WHERE id = $1`, [id, time]);
    await unused('119 minutes');
    expect(await who(cookie)).toBe(200);
    const { rows } = await sql(
      `SELECT now() - last_used_at < interval '1 minute' AS used FROM sessions WHERE id = $1`,
      [id],
    );
    expect(rows[0].used).toBe(true);
    await unused('120 minutes');
    expect(await who(cookie)).toBe(401);
  });

  it('with the account key that opened it, and with its account', async () => {
    const account = await api.account();
    const [revoked, kept] = [await signIn(await api.key(account)), await signIn(await api.key(account))];
    const { keyId } = (await withCookie(revoked, 'GET', '/v1/session')).json;
    await api.call('DELETE', `/v1/accounts/${account}/keys/${keyId}`);
    expect([await who(revoked), await who(kept)]).toEqual([401, 200]);
    await api.call('DELETE', `/v1/accounts/${account}`);
    expect(await who(kept)).toBe(401);
  });

  it('when the operator key changes', async () => {
    const { cookie } = await open();
    const app = await buildApp({ ...api.deps, operatorKey: 'another-Yb3kq0vTn5Wf8sLr2cXh' });
    const response = await app.inject({ url: '/v1/session', headers: { cookie } });
    await app.close();
    expect([response.statusCode, await who(cookie)]).toEqual([401, 200]);
  });

  it('when the operator ends it, or all sessions', async () => {
    const [one, two] = [await open(), await open()];
    const listed = (await api.call('GET', '/v1/sessions?limit=2')).json.data;
    expect(listed[1]).toMatchObject({ kind: 'operator', accountId: null, keyId: null, address: '127.0.0.1' });
    await api.call('DELETE', `/v1/sessions/${listed[1].id}`);
    expect([await who(one.cookie), await who(two.cookie)]).toEqual([401, 200]);
    expect((await api.call('DELETE', `/v1/sessions/${listed[1].id}`)).status).toBe(404);
    await api.call('DELETE', '/v1/sessions');
    expect(await who(two.cookie)).toBe(401);
  });

  it('and its row is deleted when the next one is opened', async () => {
    const { id } = await open();
    await sql(`UPDATE sessions SET expires_at = now() WHERE id = $1`, [id]);
    await open();
    expect(await api.deps.db.prisma.session.count({ where: { id } })).toBe(0);
  });
});

describe('a change with a cookie', () => {
  it('requires the header and a page of the same origin', async () => {
    const account = await api.account();
    const cookie = await signIn(OPERATOR_KEY);
    const rename = (headers: object) =>
      withCookie(cookie, 'PUT', `/v1/accounts/${account}`, {
        headers: { host: 'hooks.example', ...headers },
        body: { name: 'x' },
      });
    const refused = [
      {},
      { 'x-posthorn-csrf': '' },
      { ...CSRF, origin: 'https://evil.example' },
      { ...CSRF, origin: 'null' },
      { ...CSRF, origin: 'https://hooks.example:8443' },
      { ...CSRF, 'sec-fetch-site': 'same-site', origin: 'https://hooks.example' },
      { ...CSRF, 'sec-fetch-site': 'cross-site' },
      { origin: 'https://hooks.example', 'sec-fetch-site': 'same-origin' },
    ];
    for (const headers of refused) {
      const { status, json } = await rename(headers);
      expect([headers, status, json.code]).toEqual([headers, 403, 'forbidden']);
      expect(json.detail).toMatch(/x-posthorn-csrf: 1|other origins/);
    }
    expect((await api.call('GET', `/v1/accounts/${account}`)).json.name).toBe(null);
    const allowed = [CSRF, { ...CSRF, origin: 'https://hooks.example' }, { ...CSRF, 'sec-fetch-site': 'same-origin' }];
    for (const headers of allowed) expect((await rename(headers)).status).toBe(200);
  });

  it('is not restricted for a GET or with a key', async () => {
    const cookie = await signIn(OPERATOR_KEY);
    expect((await withCookie(cookie, 'GET', '/v1/accounts', { headers: { 'sec-fetch-site': 'none' } })).status).toBe(
      200,
    );
    const account = await api.account();
    const headers = { cookie, origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' };
    expect((await api.call('PUT', `/v1/accounts/${account}`, { headers, body: {} })).status).toBe(200);
  });
});

describe('a token', () => {
  it('of a cookie is not valid as a bearer key, nor the reverse', async () => {
    const cookie = await signIn(OPERATOR_KEY);
    const token = cookie.replace('posthorn=', '');
    expect((await api.call('GET', '/v1/session', { key: token })).status).toBe(401);
    expect(
      (await api.call('GET', '/v1/session', { key: null, headers: { cookie: `posthorn=${OPERATOR_KEY}` } })).status,
    ).toBe(401);
    const portal = await api.portal(await api.account());
    expect(
      (await api.call('GET', '/v1/session', { key: null, headers: { cookie: `posthorn=${portal}` } })).status,
    ).toBe(401);
  });

  it('is not in the log, and neither is the key', async () => {
    api.logged.length = 0;
    const account = await api.account();
    const key = await api.key(account);
    const cookie = await signIn(key);
    await withCookie(cookie, 'GET', `/v1/accounts/${account}/events`);
    await login('phk_a-wrong-one');
    await withCookie(cookie, 'DELETE', '/v1/session', { headers: CSRF });
    const log = api.logged.join('');
    expect(api.logged.length).toBeGreaterThan(4);
    expect(log).not.toMatch(/phs_|phk_/);
    expect(log).not.toContain(OPERATOR_KEY);
  });
});
