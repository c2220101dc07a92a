/* oxlint-disable no-empty-pattern -- vitest reads from the pattern which fixtures one needs */
import { createServer } from 'node:http';
import { findFreePort } from '@posthorn/embedded';
import { waitFor } from '@posthorn/testing';
import { describe, expect, inject } from 'vitest';
import { startStack } from '../stack.js';
import { it as base } from './browser.js';

/** A page that frames the URL in its query, on two origins. Only localhost may frame the portal. */
const it = base
  .extend('hostPort', { scope: 'file' }, async ({}, { onCleanup }) => {
    const port = await findFreePort();
    const server = createServer((request, response) => {
      const framed = new URL(request.url ?? '/', 'http://localhost').searchParams.get('framed') ?? '';
      response.setHeader('content-type', 'text/html');
      response.end(`<title>Settings of our app</title><iframe title="Webhooks" src="${framed}"></iframe>`);
    });
    await new Promise<void>((resolve) => server.listen(port, resolve));
    onCleanup(() => void server.close());
    return port;
  })
  .extend('stack', { scope: 'file' }, async ({ hostPort }, { onCleanup }) => {
    const stack = await startStack({
      backend: inject('queueBackends')[0] ?? 'postgres',
      env: { PORTAL_FRAME_ANCESTORS: `http://localhost:${hostPort}` },
    });
    onCleanup(() => stack.stop());
    return stack;
  });

describe.skipIf(inject('browserPath') === null)('a portal', () => {
  it.for([
    ['localhost', true],
    ['127.0.0.1', false],
  ] as const)('in a frame of %s is shown: %s', async ([host, isShown], { context, stack, hostPort, newAccount }) => {
    const account = await newAccount();
    const { url } = await stack.call<{ url: string }>('POST', `/v1/accounts/${account}/portal-sessions`, {});
    const page = await context.newPage();
    const refusals: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && refusals.push(message.text())));
    await page.goto(`http://${host}:${hostPort}/?framed=${encodeURIComponent(url)}`);
    const inside = page.frameLocator('iframe').getByText('No webhooks yet');
    if (isShown) await inside.waitFor();
    expect(await inside.count()).toBe(isShown ? 1 : 0);
    expect(refusals.filter((text) => text.includes('frame-ancestors'))).toHaveLength(isShown ? 0 : 1);
  });

  it('ends at a reload, even if an operator is signed in, because a portal never uses the cookie', async ({
    context,
    stack,
    hostPort,
    newAccount,
  }) => {
    // Same site as the host page, so the browser would send the cookie.
    const apiUrl = stack.apiUrl.replace('127.0.0.1', 'localhost');
    const signedIn = await context.request.post(`${apiUrl}/v1/session`, { data: { key: stack.operatorKey } });
    expect(signedIn.status()).toBe(201);
    const account = await newAccount();
    const { token } = await stack.call<{ token: string }>('POST', `/v1/accounts/${account}/portal-sessions`, {});
    const page = await context.newPage();
    const cookies: (string | undefined)[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/v1/')) cookies.push(request.headers()['cookie']);
    });
    const framed = encodeURIComponent(`${apiUrl}/portal#token=${token}`);
    await page.goto(`http://localhost:${hostPort}/?framed=${framed}`);
    const inside = page.frameLocator('iframe');
    await inside.getByText('No webhooks yet').waitFor();
    await page.frames()[1]?.evaluate('location.reload()');
    await inside.getByRole('heading', { name: 'This link has expired' }).waitFor();
    expect(cookies.length).toBeGreaterThan(2);
    expect(cookies.filter((cookie) => cookie !== undefined)).toEqual([]);
    // The console itself works with its cookie, but in no frame.
    await page.goto(`${apiUrl}/accounts`);
    await page.getByRole('navigation', { name: 'Console' }).waitFor();
    const refusals: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && refusals.push(message.text())));
    for (const path of ['/', '/accounts', '/docs/', '/openapi.json']) {
      refusals.length = 0;
      await page.goto(`http://localhost:${hostPort}/?framed=${encodeURIComponent(`${apiUrl}${path}`)}`);
      await waitFor(() => refusals.some((text) => text.includes('frame-ancestors')));
    }
  });

  it('hides what it may not do, and the API refuses it too', async ({ context, stack, endpoint }) => {
    const { account, id } = await stack.subscribe(endpoint.url);
    const link = () =>
      stack.call<{ url: string; token: string }>('POST', `/v1/accounts/${account}/portal-sessions`, {
        capabilities: ['subscriptions:read', 'deliveries:read'],
      });
    const page = await context.newPage();
    await page.goto((await link()).url);
    await page.getByRole('link', { name: '/webhook' }).click();
    const webhook = page.getByRole('navigation', { name: 'Webhook' });
    await webhook.getByRole('link', { name: 'Deliveries' }).waitFor();
    expect(await webhook.getByRole('link').allInnerTexts()).toEqual(['Overview', 'Deliveries']);
    expect(await page.getByRole('button', { name: /Actions for|secret/ }).count()).toBe(0);
    const pages = page.getByRole('navigation', { name: 'Console' });
    expect(await pages.getByRole('link').allInnerTexts()).not.toContain('Events');

    const { token } = (await (
      await fetch(`${stack.apiUrl}/v1/portal-session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: (await link()).token }),
      })
    ).json()) as { token: string };
    const statuses = await Promise.all(
      [
        ['POST', `subscriptions/${id}/pause`],
        ['DELETE', `subscriptions/${id}`],
        ['POST', `subscriptions/${id}/test`],
        ['GET', `subscriptions/${id}/secret`],
        ['GET', 'keys'],
        ['GET', 'events'],
      ].map(async ([method = '', path]) => {
        const url = `${stack.apiUrl}/v1/accounts/${account}/${path}`;
        return (await fetch(url, { method, headers: { authorization: `Bearer ${token}` } })).status;
      }),
    );
    expect(statuses).toEqual([403, 403, 403, 403, 403, 403]);
  });
});
