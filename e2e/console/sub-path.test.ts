/* oxlint-disable no-empty-pattern -- vitest reads from the pattern which fixtures one needs */
import { createServer, request } from 'node:http';
import { findFreePort } from '@posthorn/embedded';
import { describe, expect, inject } from 'vitest';
import { startStack } from '../stack.js';
import { it as base } from './browser.js';

const PATH = '/posthorn';

/** A proxy that serves the API under a path of its host. */
const it = base
  .extend('proxy', { scope: 'file' }, async ({}, { onCleanup }) => {
    const proxy = { port: await findFreePort(), apiUrl: '', stripsPath: true, beside: [] as string[] };
    const server = createServer((asked, response) => {
      const url = asked.url ?? '/';
      if (!url.startsWith(PATH)) {
        proxy.beside.push(url);
        return void response.writeHead(404).end();
      }
      const path = proxy.stripsPath ? url.slice(PATH.length) || '/' : url;
      const passed = request(new URL(path, proxy.apiUrl), { method: asked.method, headers: asked.headers }, (found) => {
        response.writeHead(found.statusCode ?? 502, found.headers);
        found.pipe(response);
      });
      asked.pipe(passed);
    });
    await new Promise<void>((resolve) => server.listen(proxy.port, '127.0.0.1', resolve));
    onCleanup(() => {
      server.close();
      server.closeAllConnections();
    });
    return proxy;
  })
  .extend('stack', { scope: 'file' }, async ({ proxy }, { onCleanup }) => {
    const stack = await startStack({
      backend: inject('queueBackends')[0] ?? 'postgres',
      env: { PUBLIC_URL: `http://127.0.0.1:${proxy.port}${PATH}/` },
    });
    onCleanup(() => stack.stop());
    proxy.apiUrl = stack.apiUrl;
    return stack;
  })
  // The proxy needs the stack's URL.
  .extend('baseURL', { scope: 'file' }, ({ proxy, stack }) => stack && `http://127.0.0.1:${proxy.port}`);

describe.skipIf(inject('browserPath') === null)('under a path of the host', () => {
  it.for([true, false])(
    'the console, its session, a portal and the documentation work; the proxy strips the path: %s',
    async (stripsPath, { page, context, proxy, stack, endpoint, button }) => {
      proxy.stripsPath = stripsPath;
      const { account, id } = await stack.subscribe(endpoint.url);
      await page.goto(`${PATH}/`);
      await page.getByLabel('Operator key or account key').fill(stack.operatorKey);
      await button('Sign in').click();
      await page.getByRole('link', { name: 'Accounts', exact: true }).click();
      await page.getByRole('link', { name: account }).click();
      await page.getByRole('cell', { name: 'Active' }).waitFor();
      expect(new URL(page.url()).pathname).toBe(`${PATH}/accounts/${account}/integrations`);
      await page.goto(`${PATH}/accounts/${account}/subscriptions/${id}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await stack.publish(account, '{"event":"message:created","payload":{}}');
      await page.goto(`${PATH}/accounts/${account}/deliveries`);
      const opensTab = context.waitForEvent('page');
      await page.getByRole('link', { name: 'message:created' }).click({ modifiers: ['ControlOrMeta'] });
      const tab = await opensTab;
      await tab.getByRole('heading', { level: 1, name: 'message:created' }).waitFor();
      expect(new URL(tab.url()).pathname).toMatch(new RegExp(`^${PATH}/accounts/${account}/deliveries/dlv_`));
      expect(await page.getByRole('dialog').count()).toBe(0);
      expect((await context.cookies()).map(({ name, path }) => [name, path])).toEqual([['posthorn', PATH]]);

      const { url } = await stack.call<{ url: string }>('POST', `/v1/accounts/${account}/portal-sessions`, {});
      await page.goto(url);
      await page.getByRole('cell', { name: 'Active' }).waitFor();
      expect(new URL(page.url()).pathname).toMatch(new RegExp(`^${PATH}/`));

      await page.goto(`${PATH}/docs`);
      await page.getByRole('link', { name: 'API', exact: true }).click();
      await page.getByRole('link', { name: 'Publish an event', exact: true }).click();
      await page.getByRole('heading', { name: 'Publish an event', exact: true }).waitFor();
      await page.getByRole('button', { name: /^Search/ }).click();
      await page.getByRole('searchbox').fill('outbox');
      await page
        .getByRole('link', { name: /From a transaction/ })
        .first()
        .click();
      await page.waitForURL(({ pathname }) => pathname === `${PATH}/docs/publish`);
      expect(proxy.beside.filter((path) => path !== '/favicon.ico')).toEqual([]);
    },
  );
});
