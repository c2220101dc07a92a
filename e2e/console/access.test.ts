import { describe, expect, inject } from 'vitest';
import { it } from './browser.js';

describe.skipIf(inject('browserPath') === null)('access to the console', () => {
  it('after a session has expired, signing in returns to the same page', async ({
    page,
    stack,
    context,
    signIn,
    button,
    see,
    newAccount,
  }) => {
    const account = await newAccount();
    await signIn(`/accounts/${account}/keys`);
    await see('No keys yet');
    await context.clearCookies();
    await page.getByRole('link', { name: 'Integrations' }).click();
    await page.getByLabel('Operator key or account key').fill(stack.operatorKey);
    await button('Sign in').click();
    await see('No webhooks yet');
    expect(new URL(page.url()).pathname).toBe(`/accounts/${account}/integrations`);
  });

  it('a sign-in link signs in once, without a key, and leaves the address', async ({ page, stack, context, see }) => {
    const { url, token } = await stack.call<{ url: string; token: string }>('POST', '/v1/sign-in-links');
    const preview = await fetch(url, { headers: { accept: 'text/html' } }); // a GET does not use it up
    expect(preview.status).toBe(200);
    await page.goto(url);
    await page.getByRole('navigation', { name: 'Console' }).waitFor();
    expect(page.url()).not.toContain(token);
    await context.clearCookies();
    await page.goto('about:blank');
    await page.goto(url);
    await see('This sign-in link has expired or was already used.');
    await page.getByLabel('Operator key or account key').waitFor();
  });

  it('a wrong key shows the reason and what to do', async ({ page, button, see }) => {
    await page.goto('/');
    await page.getByLabel('Operator key or account key').fill('phk_nobody');
    await button('Sign in').click();
    await see('This key is unknown or revoked.');
  });

  it('an account key sees only its own account; another account’s webhook is “not found”, with a link back (C10)', async ({
    page,
    stack,
    endpoint,
    signIn,
    see,
    newAccount,
  }) => {
    const mine = await newAccount();
    const theirs = await stack.subscribe(endpoint.url);
    const { key } = await stack.call<{ key: string }>('POST', `/v1/accounts/${mine}/keys`, { name: 'console' });
    await signIn('/', key);
    await see('No webhooks yet');
    expect(await page.getByRole('link', { name: 'Accounts' }).count()).toBe(0);
    await page.goto(`/accounts/${theirs.account}/subscriptions/${theirs.id}`);
    await see('Webhook not found');
  });

  it('sends a content security policy without unsafe-inline and forbids frames of other origins', async ({ stack }) => {
    const { headers } = await fetch(stack.apiUrl, { headers: { accept: 'text/html' } });
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    const problem = await fetch(`${stack.apiUrl}/v1/nowhere`, { headers: { accept: 'text/html' } });
    expect([problem.status, problem.headers.get('content-type')]).toEqual([
      404,
      expect.stringContaining('application/problem+json'),
    ]);
    const script = /src="\.(\/assets\/[^"]+\.js)"/.exec(await (await fetch(stack.apiUrl)).text())?.[1] ?? '';
    const asset = await fetch(stack.apiUrl + script, { headers: { 'accept-encoding': 'br' } });
    expect([asset.status, asset.headers.get('content-encoding'), asset.headers.get('cache-control')]).toEqual([
      200,
      'br',
      'public, max-age=31536000, immutable',
    ]);
  });
});
