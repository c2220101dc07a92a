import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { openTestApi } from '../api.test-support.js';
import { buildApp } from '../app.js';

const docsDirectory = mkdtempSync(join(tmpdir(), 'posthorn-docs-'));
const write = (name: string, content: string) => {
  writeFileSync(join(docsDirectory, name), content);
  writeFileSync(join(docsDirectory, `${name}.gz`), gzipSync(content));
};
for (const folder of ['api', 'assets']) mkdirSync(join(docsDirectory, folder));
write('index.html', '<title>the documentation</title>');
write('publish.html', '<title>publish</title>');
write('publish.md', '# Publish');
write('api.html', '<title>the reference</title>');
write('api/events.html', '<title>events</title>');
write('assets/site.0123456789.css', 'body {}');
const { app, deps, close } = await openTestApi({ docsDirectory });
afterAll(async () => {
  await close();
  rmSync(docsDirectory, { recursive: true });
});

describe('the documentation', () => {
  it.each([
    ['/docs/', 'the documentation'],
    ['/docs/publish', 'publish'],
    ['/docs/api', 'the reference'],
    ['/docs/api/events', 'events'],
  ])('%s is a page that loads only its own files, runs no inline code, and cannot be framed', async (url, title) => {
    const { statusCode, headers, body } = await app.inject(url);
    expect([statusCode, headers['content-type'], body]).toEqual([
      200,
      'text/html; charset=utf-8',
      `<title>${title}</title>`,
    ]);
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /);
    expect(policy).toMatch(/frame-ancestors 'none'$/);
    expect(policy).not.toContain('unsafe');
  });

  it('sends compressed files, and lets browsers keep those with a hash in their name', async () => {
    const headers = { 'accept-encoding': 'gzip' };
    const page = await app.inject({ url: '/docs/publish', headers });
    expect(page.headers).toMatchObject({
      'content-encoding': 'gzip',
      'cache-control': 'no-cache',
      etag: expect.any(String),
    });
    const again = await app.inject({
      url: '/docs/publish',
      headers: { ...headers, 'if-none-match': String(page.headers.etag) },
    });
    expect(again.statusCode).toBe(304);
    const style = await app.inject({ url: '/docs/assets/site.0123456789.css', headers });
    expect(style.headers).toMatchObject({
      'content-encoding': 'gzip',
      'cache-control': 'public, max-age=31536000, immutable',
    });
  });

  it('serves each page as Markdown, and nothing else', async () => {
    const markdown = await app.inject('/docs/publish.md');
    expect([markdown.body, markdown.headers['content-type']]).toEqual(['# Publish', 'text/markdown; charset=utf-8']);
    for (const url of [
      '/docs/nowhere',
      '/docs/publish.html',
      '/docs/publish.html.gz',
      '/docs/..%2fapi.html',
      '/docs/assets/',
    ])
      expect([url, (await app.inject(url)).statusCode]).toEqual([url, 404]);
  });

  it('redirects /docs, also below the path of PUBLIC_URL', async () => {
    expect((await app.inject('/docs')).headers.location).toBe('/docs/');
    const below = await buildApp({ ...deps, publicUrl: 'https://example.com/hooks' });
    expect((await below.inject('/hooks/docs')).headers.location).toBe('/hooks/docs/');
    expect((await below.inject('/hooks/docs/publish')).body).toContain('publish');
    await below.close();
  });
});
