import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openTestApi } from '../api.test-support.js';

const consoleDirectory = mkdtempSync(join(tmpdir(), 'posthorn-console-'));
writeFileSync(join(consoleDirectory, 'index.html'), '<!doctype html><title>the console</title>');
const { app, close } = await openTestApi({ consoleDirectory });
afterAll(async () => {
  await close();
  rmSync(consoleDirectory, { recursive: true });
});

const browse = (url: string) => app.inject({ url, headers: { accept: 'text/html' } });

describe('what a browser asks for', () => {
  it.each(['/', '/accounts', '/accounts/acme/deliveries?status=failed', '/v1things', '/docsify'])(
    '%s is a page of the console',
    async (url) => expect((await browse(url)).body).toContain('the console'),
  );

  it.each(['/v1', '/v1?x', '/v1/nowhere', '/api?x=1', '/assets/gone.js', '/metrics/nowhere?x'])(
    '%s is none',
    async (url) => {
      const { statusCode, headers } = await browse(url);
      expect([statusCode, headers['content-type']]).toEqual([
        404,
        expect.stringMatching(/^application\/(problem\+)?json/),
      ]);
    },
  );
});
