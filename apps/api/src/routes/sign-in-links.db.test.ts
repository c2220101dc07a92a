import { Writable } from 'node:stream';
import { openBoardTickets } from '@posthorn/lifecycle';
import { pino } from 'pino';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiResponse, OPERATOR_KEY, openTestApi } from '../api.test-support.js';
import { buildApp } from '../app.js';

const api = await openTestApi();
afterAll(() => api.close());
beforeEach(() => api.deps.db.pool.query('DELETE FROM login_limits'));

const sql = (text: string, values: unknown[] = []) => api.deps.db.pool.query(text, values);
const makeLink = async () => (await api.call('POST', '/v1/sign-in-links')).json as { url: string; token: string };
const open = (token: string, headers: Record<string, string> = {}) =>
  api.call('POST', '/v1/session/sign-in-link', { key: null, body: { token }, headers });
const cookieOf = ({ headers }: ApiResponse): string => String(headers['set-cookie']).split(';', 1)[0] ?? '';

describe('POST /v1/sign-in-links', () => {
  it('returns a link with the token in its fragment, and the database keeps only a hash of it', async () => {
    const from = Date.now();
    const response = await api.call('POST', '/v1/sign-in-links');
    const until = Date.now();
    expect(response.status).toBe(201);
    const { url, token, expiresAt } = response.json;
    expect(token).toMatch(/^pho_[\w-]{43}$/);
    expect(new URL(url).pathname).toBe('/sign-in');
    expect(new URL(url).hash).toBe(`#token=${token}`);
    // The database rounds its time down to milliseconds.
    const madeAt = Date.parse(expiresAt) - 300_000;
    expect(madeAt).toBeGreaterThanOrEqual(from - 1);
    expect(madeAt).toBeLessThanOrEqual(until + 1);
    const { rows } = await sql(`SELECT string_agg(s::text, ' ') AS stored FROM sessions s`);
    expect(rows[0].stored).not.toContain(token);
    expect(rows[0].stored).not.toContain(Buffer.from(token).toString('hex'));
  });

  it('is for the operator only', async () => {
    const key = await api.key(await api.account());
    expect((await api.call('POST', '/v1/sign-in-links', { key })).status).toBe(403);
    expect((await api.call('POST', '/v1/sign-in-links', { key: null })).status).toBe(401);
  });
});

describe('POST /v1/session/sign-in-link', () => {
  it('signs the operator in once: of ten requests at once, one gets the session', async () => {
    const { token } = await makeLink();
    const responses = await Promise.all(Array.from({ length: 10 }, () => open(token)));
    expect(responses.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      201,
      ...Array.from({ length: 9 }, () => 401),
    ]);
    const signedIn = responses.find(({ status }) => status === 201);
    if (!signedIn) throw new Error('nobody was signed in');
    expect(signedIn.headers['set-cookie']).toMatch(/^posthorn=phs_[\w-]{43}; .*HttpOnly; SameSite=Strict$/);
    expect(signedIn.json).toMatchObject({ kind: 'operator', accountId: null });
    const headers = { cookie: cookieOf(signedIn) };
    expect((await api.call('GET', '/v1/accounts', { key: null, headers })).status).toBe(200);
    expect((await open(token)).json.detail).toContain('expired or was already used');
  });

  it('refuses a link that is five minutes old', async () => {
    const { token } = await makeLink();
    await sql(`UPDATE sessions SET expires_at = now() WHERE link_hash IS NOT NULL`);
    expect((await open(token)).status).toBe(401);
  });

  it('refuses a link of an earlier operator key', async () => {
    const { token } = await makeLink();
    const app = await buildApp({ ...api.deps, operatorKey: `${OPERATOR_KEY}-changed` });
    const response = await app.inject({ method: 'POST', url: '/v1/session/sign-in-link', payload: { token } });
    await app.close();
    expect(response.statusCode).toBe(401);
    expect((await open(token)).status).toBe(201);
  });

  it('does not open a portal, and a portal link does not sign in an operator', async () => {
    const { token } = await makeLink();
    expect((await api.call('POST', '/v1/portal-session', { key: null, body: { token } })).status).toBe(401);
    const account = await api.account();
    const portal = await api.call('POST', `/v1/accounts/${account}/portal-sessions`, { body: {} });
    expect((await open(portal.json.token)).status).toBe(401);
  });

  it('refuses a page of another origin, without using the link up', async () => {
    const { token } = await makeLink();
    expect((await open(token, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await open(token, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await open(token)).status).toBe(201);
  });

  it('responds to the 11th wrong token of an address within a minute with 429', async () => {
    for (let guess = 0; guess < 10; guess += 1) expect((await open('pho_guess')).status).toBe(401);
    expect((await open('pho_guess')).status).toBe(429);
  });

  it('the token is in neither the log nor the audit log', async () => {
    const lines: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk));
        done();
      },
    });
    const app = await buildApp({ ...api.deps, log: pino({ level: 'trace' }, stream) });
    const made = await app.inject({
      method: 'POST',
      url: '/v1/sign-in-links',
      headers: { authorization: `Bearer ${OPERATOR_KEY}` },
    });
    const { token } = made.json<{ token: string }>();
    for (let time = 0; time < 2; time += 1) {
      await app.inject({ method: 'POST', url: '/v1/session/sign-in-link', payload: { token } });
    }
    await app.close();
    expect(lines.join('')).toContain('/v1/session/sign-in-link');
    expect(lines.join('')).not.toContain(token);
    const { rows } = await sql(`SELECT string_agg(a::text, ' ') AS audit FROM audit_entries a`);
    expect(rows[0].audit).toContain('signInLinks.open');
    expect(rows[0].audit).not.toContain(token);
  });
});

describe('POST /v1/board-links', () => {
  it('returns a link with a ticket that the board accepts once', async () => {
    const app = await buildApp({ ...api.deps, boardUrl: 'http://127.0.0.1:3401/' });
    const response = await app.inject({
      method: 'POST',
      url: '/v1/board-links',
      headers: { authorization: `Bearer ${OPERATOR_KEY}` },
    });
    await app.close();
    expect(response.statusCode).toBe(201);
    const url = new URL(response.json<{ url: string }>().url);
    expect(`${url.origin}${url.pathname}`).toBe('http://127.0.0.1:3401/login');
    const ticket = new URLSearchParams(url.hash.slice(1)).get('ticket') ?? '';
    const tickets = openBoardTickets({ operatorKey: OPERATOR_KEY, now: Date.now });
    expect([tickets.accept(ticket), tickets.accept(ticket)]).toEqual([true, false]);
  });

  it('names the missing setting when the API does not know the URL of the board', async () => {
    const app = await buildApp({ ...api.deps, boardUrl: null });
    const response = await app.inject({
      method: 'POST',
      url: '/v1/board-links',
      headers: { authorization: `Bearer ${OPERATOR_KEY}` },
    });
    await app.close();
    expect([response.statusCode, response.json<{ detail: string }>().detail]).toEqual([
      422,
      expect.stringContaining('POSTHORN_BOARD_URL'),
    ]);
  });
});
