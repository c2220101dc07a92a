import { afterAll, expect, it } from 'vitest';
import { openTestApi } from '../api.test-support.js';
import { buildApp } from '../app.js';

const api = await openTestApi();
afterAll(() => api.close());

const path = (account: string) => `/v1/accounts/${account}/email-recipients`;
const add = (account: string, address: string) => api.call('POST', path(account), { body: { address } });
const tokenOf = async (id: string): Promise<string> => {
  const { rows } = await api.deps.db.pool.query<{ token: string }>(
    `SELECT token FROM email_recipients ORDER BY id DESC LIMIT 1`,
  );
  return rows[0]?.token ?? id;
};
const page = (method: 'GET' | 'POST', name: string, token: string) =>
  api.app.inject({
    method,
    url: `/email/${name}?token=${token}`,
    ...(method === 'POST' && {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'List-Unsubscribe=One-Click',
    }),
  });

it('adds an address, which its link confirms; a GET of the link changes nothing', async () => {
  const account = await api.account();
  const added = await add(account, 'Jo@Example.com');
  expect([added.status, added.json]).toEqual([
    201,
    {
      id: expect.stringMatching(/^eml_/),
      address: 'jo@example.com',
      status: 'unconfirmed',
      createdAt: expect.any(String),
    },
  ]);
  expect((await add(account, 'jo@example.com')).status).toBe(200);
  const token = await tokenOf(added.json.id);
  const list = async () => (await api.call('GET', path(account))).json;
  expect((await page('GET', 'confirm', token)).body).toContain('<button type="submit">Confirm</button>');
  expect(await list()).toMatchObject({ isAvailable: true, data: [{ status: 'unconfirmed' }] });
  expect((await page('POST', 'confirm', token)).statusCode).toBe(200);
  expect(await list()).toMatchObject({ data: [{ status: 'confirmed' }] });
});

it('regression: adds an address while a publish has locked the account, so neither waits for the other', async () => {
  const account = await api.account();
  const publishing = await api.deps.db.pool.connect();
  try {
    await publishing.query('BEGIN');
    await publishing.query('SELECT FROM accounts WHERE id = $1 FOR KEY SHARE', [account]);
    expect((await add(account, 'jo@example.com')).status).toBe(201);
  } finally {
    await publishing.query('ROLLBACK');
    publishing.release();
  }
});

it('unsubscribes with a POST to the link of an email, without a sign-in (RFC 8058)', async () => {
  const account = await api.account();
  const token = await tokenOf((await add(account, 'jo@example.com')).json.id);
  expect((await page('GET', 'unsubscribe', token)).statusCode).toBe(200);
  expect((await api.call('GET', path(account))).json.data).toHaveLength(1);
  for (let time = 0; time < 2; time += 1) {
    const response = await page('POST', 'unsubscribe', token);
    expect([response.statusCode, response.body]).toEqual([200, expect.stringContaining('Unsubscribed.')]);
  }
  expect((await api.call('GET', path(account))).json.data).toEqual([]);
  expect((await page('POST', 'unsubscribe', 'nobody')).statusCode).toBe(404);
  expect((await page('POST', 'confirm', token)).statusCode).toBe(404);
});

it('the pages run no script, load nothing and cannot be framed', async () => {
  const { headers, body } = await page('GET', 'unsubscribe', '"><script>alert(1)</script>');
  expect(headers['content-security-policy']).toMatch(
    /^default-src 'none'; style-src 'sha256-.*frame-ancestors 'none'$/,
  );
  expect([headers['cache-control'], headers['referrer-policy']]).toEqual(['no-store', 'no-referrer']);
  expect(body).not.toContain('<script');
});

it('removes an address of its account only', async () => {
  const [account, other] = [await api.account(), await api.account()];
  const { id } = (await add(account, 'jo@example.com')).json;
  expect((await api.call('DELETE', `${path(other)}/${id}`)).status).toBe(404);
  expect((await api.call('DELETE', `${path(account)}/${id}`)).status).toBe(204);
  expect((await api.call('DELETE', `${path(account)}/${id}`)).status).toBe(404);
});

it.each([
  'jo',
  'jo@example',
  'a@b.c, d@e.f',
  'Jo <jo@example.com>',
  'jo@example.com\r\nBcc: x@example.com',
  'j o@example.com',
])('refuses %j as an address', async (address) => {
  const response = await add(await api.account(), address);
  expect([response.status, response.json.errors[0].path]).toEqual([422, 'address']);
});

it('reports that there is no mail server, and adds nothing', async () => {
  const account = await api.account();
  const app = await buildApp({ ...api.deps, sendsEmails: false });
  const headers = { authorization: `Bearer ${api.deps.operatorKey}` };
  const refused = await app.inject({
    method: 'POST',
    url: path(account),
    headers,
    payload: { address: 'jo@example.com' },
  });
  const list = await app.inject({ url: path(account), headers });
  await app.close();
  expect([refused.statusCode, refused.json<{ detail: string }>().detail]).toEqual([
    422,
    expect.stringContaining('SMTP_URL'),
  ]);
  expect(list.json()).toEqual({ isAvailable: false, data: [] });
});
