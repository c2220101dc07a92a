import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { listenSecret } from './listen-secret.js';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-listen-'));
afterAll(() => rmSync(folder, { recursive: true }));
const secretOf = (url: string, account: string) =>
  listenSecret(join(folder, 'posthorn/config.json'), { url: new URL(url) }, account);

it('makes one secret per origin and account, readable only by its owner, and keeps it', () => {
  const secret = secretOf('https://a.example/path', 'acme');
  expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
  expect(secretOf('https://a.example', 'acme')).toBe(secret);
  expect(new Set([secret, secretOf('https://b.example', 'acme'), secretOf('https://a.example', 'other')]).size).toBe(3);
  const secrets = join(folder, 'posthorn/listen-secrets');
  const files = readdirSync(secrets);
  expect(files).toHaveLength(3);
  for (const file of files) expect(statSync(join(secrets, file)).mode & 0o777).toBe(0o600);
});
