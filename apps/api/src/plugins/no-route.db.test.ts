import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openTestApi } from '../api.test-support.js';

const consoleDirectory = mkdtempSync(join(tmpdir(), 'posthorn-console-'));
mkdirSync(join(consoleDirectory, 'assets'));
writeFileSync(join(consoleDirectory, 'index.html'), '<!doctype html><title>the console</title>');
writeFileSync(join(consoleDirectory, 'assets', 'main.js'), '1');
const { app, document, close } = await openTestApi({ consoleDirectory });
afterAll(async () => {
  await close();
  rmSync(consoleDirectory, { recursive: true });
});

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const allowOf = (headers: Record<string, unknown>) => String(headers['allow']).split(', ');

describe('a path with another method', () => {
  it.each(Object.keys(document.paths))('%s: returns a 405 problem with Allow, without a key', async (path) => {
    const url = path.replace(/\{\w+\}/g, 'x');
    const documented = Object.keys(document.paths[path] ?? {}).map((method) => method.toUpperCase());
    for (const method of METHODS) {
      if (documented.includes(method) || method === 'HEAD') continue;
      const { statusCode, headers, json } = await app.inject({ method, url });
      const allow = allowOf(headers);
      if (statusCode !== 405) {
        // `…/{id}` also matches `…/test`: then the method belongs to the other route, which requires a key.
        expect([method, url, statusCode]).toEqual([method, url, 401]);
        continue;
      }
      expect(allow).toEqual(expect.arrayContaining(documented));
      expect(allow).not.toContain(method);
      if (path.startsWith('/api/')) expect(json()).toEqual({ errors: { detail: 'Method Not Allowed' } });
      else expect(json()).toMatchObject({ status: 405, code: 'method_not_allowed' });
    }
  });

  it.each([
    ['DELETE', '/v1/accounts', 'GET, HEAD'],
    ['POST', '/v1/accounts/x?limit=1', 'DELETE, GET, HEAD, PUT'],
    ['HEAD', '/v1/stream', 'GET'],
    ['OPTIONS', '/v1/session', 'DELETE, GET, HEAD, POST'],
    ['TRACE', '/livez', 'GET, HEAD'],
    ['POST', '/', 'GET, HEAD'],
    ['PUT', '/assets/main.js', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
    ['DELETE', '/api/event_subscriptions', 'GET, HEAD, POST'],
  ] as const)('%s %s: Allow is %s', async (method, url, allow) => {
    const { statusCode, headers } = await app.inject({ method: method as 'GET', url });
    expect([statusCode, headers['allow']]).toEqual([405, allow]);
  });
});

describe('a path without a route', () => {
  it.each(METHODS)('returns 404 for %s', async (method) => {
    for (const url of ['/nope', '/v1/nope', '/api/nope', '/v1/accounts/x/y/z/q']) {
      const { statusCode, headers } = await app.inject({ method, url });
      expect([url, statusCode, headers['allow']]).toEqual([url, 404, undefined]);
    }
  });

  it('gets its response before its body is read', async () => {
    for (const [url, status] of [
      ['/nope', 404],
      ['/v1/accounts', 405],
    ] as const) {
      const { statusCode } = await app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'text/plain' },
        payload: 'x'.repeat(200_000),
      });
      expect([url, statusCode]).toEqual([url, status]);
    }
  });
});
