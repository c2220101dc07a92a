import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openTestApi } from '../api.test-support.js';
import { buildApp } from '../app.js';

const consoleDirectory = mkdtempSync(join(tmpdir(), 'posthorn-console-'));
mkdirSync(join(consoleDirectory, 'assets'));
writeFileSync(join(consoleDirectory, 'index.html'), '<!doctype html><html lang="en"><title>the console</title>');
const HOST = 'https://app.example.com';
const { app, deps, close } = await openTestApi({ consoleDirectory, frameAncestors: [HOST] });
afterAll(async () => {
  await close();
  rmSync(consoleDirectory, { recursive: true });
});

const browse = (url: string) => app.inject({ url, headers: { accept: 'text/html' } });

describe('requests of a browser', () => {
  it.each(['/', '/accounts', '/accounts/acme/deliveries?status=failed', '/v1things', '/docsify'])(
    '%s is a page of the console',
    async (url) => expect((await browse(url)).body).toContain('the console'),
  );

  it.each(['/v1', '/v1?x', '/v1/nowhere', '/api?x=1', '/assets/gone.js', '/metrics/nowhere?x'])(
    '%s is not a page of the console',
    async (url) => {
      const { statusCode, headers } = await browse(url);
      expect([statusCode, headers['content-type']]).toEqual([
        404,
        expect.stringMatching(/^application\/(problem\+)?json/),
      ]);
    },
  );
});

describe('pages of other sites', () => {
  const framedBy = (headers: Record<string, unknown>) =>
    /frame-ancestors ([^;]+)/.exec(String(headers['content-security-policy']))?.[1];

  it.each(['/portal', '/portal/', '/portal?x=1', '/portal/accounts/acme/integrations'])(
    '%s can be framed by portal hosts, and is marked as a portal, so that it never uses the cookie',
    async (url) => {
      const { headers, body } = await browse(url);
      expect([framedBy(headers), headers['x-frame-options']]).toEqual([`'self' ${HOST}`, undefined]);
      expect(body).toContain('<html data-portal ');
    },
  );

  it.each([
    '/',
    '/accounts',
    '/portals',
    '/portal%2f',
    '//portal',
    '/accounts/portal/',
    '/docs',
    '/docs/nowhere',
    '/openapi.json',
    '/v1/session',
    '/v1/accounts/%zz',
    '/v1/nowhere',
    '/api/nowhere',
    '/livez',
    '/metrics',
  ])('%s cannot be framed, and is never marked as a portal', async (url) => {
    const { headers, body } = await browse(url);
    expect([framedBy(headers), headers['x-content-type-options']]).toEqual(["'none'", 'nosniff']);
    expect(headers['content-security-policy']).toMatch(/^default-src '(self|none)'; /);
    expect(body).not.toContain('data-portal');
  });

  it('allows framing only the portal below the path of PUBLIC_URL', async () => {
    const below = await buildApp({ ...deps, publicUrl: 'https://example.com/hooks' });
    const framed = async (url: string) =>
      framedBy((await below.inject({ url, headers: { accept: 'text/html' } })).headers);
    expect([await framed('/hooks/portal'), await framed('/hooks/accounts')]).toEqual([`'self' ${HOST}`, "'none'"]);
    await below.close();
  });
});
