import { toUuid } from '@posthorn/contract';
import { afterAll, describe, expect, it } from 'vitest';
import { buildApp } from '../app.js';
import { openTestApi } from '../api.test-support.js';

const api = await openTestApi();
afterAll(() => api.close());

const create = (account: string, body: object = {}, headers: Record<string, string> = {}) =>
  api.call('POST', `/v1/accounts/${account}/portal-sessions`, { body, headers });
const open = (token: string) => api.call('POST', '/v1/portal-session', { key: null, body: { token } });
const status = async (key: string, url: string) => (await api.call('GET', url, { key })).status;
const sql = (text: string, values: unknown[] = []) => api.deps.db.pool.query(text, values);

describe('POST …/portal-sessions', () => {
  it('creates a link with the token in the fragment, valid for five minutes', async () => {
    const account = await api.account();
    const { status: code, json } = await create(account, {}, { host: 'hooks.example:3400' });
    expect(code).toBe(201);
    expect(json.token).toMatch(/^phl_[\w-]{43}$/);
    expect(json.url).toBe(`http://hooks.example:3400/portal#token=${json.token}`);
    const lastsMs = Date.parse(json.expiresAt) - Date.now();
    expect(lastsMs).toBeGreaterThan(280_000);
    expect(lastsMs).toBeLessThan(301_000);
  });

  it('allows everything but publishing by default, also reading the signing secret (U1)', async () => {
    const account = await api.account();
    const opened = await open((await create(account)).json.token);
    expect(opened.json.capabilities).toEqual([
      'events:read',
      'subscriptions:read',
      'subscriptions:write',
      'deliveries:read',
      'deliveries:write',
      'secrets:read',
    ]);
    const id = await api.activeSubscription(account);
    expect(await status(opened.json.token, `/v1/accounts/${account}/subscriptions/${id}/secret`)).toBe(200);
  });

  it('uses PUBLIC_URL for the link', async () => {
    const app = await buildApp({ ...api.deps, publicUrl: 'https://example.com/hooks/' });
    const response = await app.inject({
      method: 'POST',
      url: `/v1/accounts/${await api.account()}/portal-sessions`,
      headers: { authorization: `Bearer ${api.deps.operatorKey}` },
      payload: {},
    });
    await app.close();
    expect(response.json().url).toMatch(/^https:\/\/example\.com\/hooks\/portal#token=phl_/);
  });

  it('returns 404 for an unknown account', async () => {
    expect((await create('nobody')).status).toBe(404);
    expect((await api.call('DELETE', '/v1/accounts/nobody/portal-sessions')).status).toBe(404);
  });

  it.each([
    ['an unknown capability', { capabilities: ['accounts:write'] }],
    ['no capability', { capabilities: [] }],
    ['a day and a second', { ttlSeconds: 86_401 }],
    ['less than a minute', { ttlSeconds: 59 }],
    ['a colour by name', { theme: { accent: 'red' } }],
    ['a colour with trailing text', { theme: { accentDark: '#123456;background:url(x)' } }],
    ['an unknown font', { theme: { fontFamily: 'Comic Sans' } }],
    ['a negative radius', { theme: { radius: -1 } }],
    ['a logo over http', { theme: { logoUrl: 'http://example.com/logo.png' } }],
    ['a logo that is a script', { theme: { logoUrl: 'javascript:alert(1)' } }],
    ['a logo that is a page', { theme: { logoUrl: 'data:text/html;base64,PGI+' } }],
    ['a logo of 65 KiB', { theme: { logoUrl: `data:image/png;base64,${'A'.repeat(65 * 1024)}` } }],
    ['an unknown field', { theme: { css: '*{}' } }],
    ['another mode', { theme: { mode: 'sepia' } }],
  ])('returns 422 for %s', async (_, body) => {
    expect((await create(await api.account(), body)).status).toBe(422);
  });
});

describe('POST /v1/portal-session', () => {
  it('leads to a page of the account', async () => {
    const account = await api.account();
    const { url } = (await create(account, { path: '/deliveries?status=failed' })).json;
    expect(url).toMatch(new RegExp(`/portal/accounts/${account}/deliveries\\?status=failed#token=phl_[\\w-]{43}$`));
  });

  it.each([
    'deliveries',
    '/',
    '//evil.example',
    '/../x',
    '/a/../../x',
    '/deliveries#token=x',
    '/a b',
    'https://evil.example',
    '/\\evil',
  ])('refuses %j as a path', async (path) => {
    const response = await create(await api.account(), { path });
    expect([response.status, response.json.errors?.[0]?.path]).toEqual([422, 'path']);
  });

  it('exchanges the link for a token with the account, its capabilities and its theme', async () => {
    const account = await api.account();
    const theme = {
      accent: '#1a7f5a',
      radius: 8,
      fontFamily: 'system',
      logoUrl: 'data:image/png;base64,iVBORw0KGgo=',
      mode: 'dark',
      navigation: 'hidden',
    };
    const link = await create(account, { capabilities: ['deliveries:read'], ttlSeconds: 600, theme });
    const { status: code, json } = await open(link.json.token);
    expect(code).toBe(200);
    expect(json).toEqual({
      token: expect.stringMatching(/^php_[\w-]{43}$/),
      expiresAt: expect.any(String),
      accountId: account,
      capabilities: ['deliveries:read'],
      theme,
      hostOrigins: api.deps.frameAncestors,
    });
    expect((Date.parse(json.expiresAt) - Date.now()) / 1_000).toBeGreaterThan(580);
    expect((Date.parse(json.expiresAt) - Date.now()) / 1_000).toBeLessThan(601);
    expect((await api.call('GET', '/v1/session', { key: json.token })).json).toEqual({
      id: link.json.id,
      kind: 'portal',
      accountId: account,
      keyId: null,
      scopes: ['deliveries:read'],
      expiresAt: json.expiresAt,
    });
  });

  it('works once: one of twenty concurrent requests gets the portal', async () => {
    const { token } = (await create(await api.account())).json;
    const responses = await Promise.all(Array.from({ length: 20 }, () => open(token)));
    expect(responses.filter(({ status: code }) => code === 200)).toHaveLength(1);
    expect(responses.filter(({ status: code }) => code === 401)).toHaveLength(19);
    expect((await open(token)).status).toBe(401);
  });

  it('fails after five minutes, and with any other token', async () => {
    const { token, id } = (await create(await api.account())).json;
    await sql('UPDATE sessions SET expires_at = now() WHERE id = $1', [toUuid('ses', id)]);
    expect((await open(token)).status).toBe(401);
    const used = await api.portal(await api.account());
    for (const wrong of [used, api.deps.operatorKey, 'phl_', token.slice(0, -1)])
      expect((await open(wrong)).status).toBe(401);
  });

  it('rejects the token of a link as a key', async () => {
    const account = await api.account();
    const { token } = (await create(account)).json;
    expect(await status(token, `/v1/accounts/${account}/events`)).toBe(401);
  });
});

describe('a portal ends', () => {
  const opened = async () => {
    const account = await api.account();
    const link = (await create(account)).json;
    const { token } = (await open(link.token)).json;
    return { account, token, id: toUuid('ses', link.id), events: `/v1/accounts/${account}/events` };
  };

  it('when it expires, but not when it is idle', async () => {
    const { token, events, id } = await opened();
    await sql(`UPDATE sessions SET last_used_at = now() - interval '1 day' WHERE id = $1`, [id]);
    expect(await status(token, events)).toBe(200);
    await sql('UPDATE sessions SET expires_at = now() WHERE id = $1', [id]);
    expect(await status(token, events)).toBe(401);
  });

  it('when all portals of the account are ended, including unopened links; other accounts are not affected', async () => {
    const [mine, theirs] = [await opened(), await opened()];
    const waiting = (await create(mine.account)).json.token;
    expect((await api.call('DELETE', `/v1/accounts/${mine.account}/portal-sessions`)).status).toBe(204);
    expect(await status(mine.token, mine.events)).toBe(401);
    expect((await open(waiting)).status).toBe(401);
    expect(await status(theirs.token, theirs.events)).toBe(200);
  });

  it('with its account, and by signing out', async () => {
    const [deleted, left] = [await opened(), await opened()];
    await api.call('DELETE', `/v1/accounts/${deleted.account}`);
    expect(await status(deleted.token, deleted.events)).toBe(401);
    expect((await api.call('DELETE', '/v1/session', { key: left.token })).status).toBe(204);
    expect(await status(left.token, left.events)).toBe(401);
  });
});

describe('its tokens', () => {
  it('are not in the log and not in any table', async () => {
    api.logged.length = 0;
    const account = await api.account();
    const link = (await create(account)).json;
    const { token } = (await open(link.token)).json;
    await open(link.token);
    await status(token, `/v1/accounts/${account}/events`);
    expect(api.logged.length).toBeGreaterThan(3);
    expect(api.logged.join('')).not.toMatch(/phl_|php_/);
    const { rows } = await sql(`SELECT string_agg(s::text, ' ') AS stored FROM sessions s`);
    for (const secret of [link.token, token]) expect(rows[0].stored).not.toContain(Buffer.from(secret).toString('hex'));
    expect(rows[0].stored).not.toMatch(/phl_|php_/);
  });

  it('are rejected by Papercups routes', async () => {
    const portal = await api.portal(await api.account());
    expect(await status(portal, '/api/event_subscriptions')).toBe(401);
  });
});
