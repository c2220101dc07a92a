import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { type Config, readConfig, writeConfig } from './config-file.js';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'posthorn/config.json');
const config: Config = {
  current: 'one',
  profiles: { one: { url: 'https://hooks.example.com', apiKey: 'hush', account: null } },
};

it('is empty without a file', () => {
  expect(readConfig(file)).toEqual({ current: null, profiles: {} });
});

it('writes a file that only its owner can read, whatever the umask, and leaves no draft', () => {
  const before = process.umask(0);
  writeConfig(file, config);
  process.umask(before);
  expect(readConfig(file)).toEqual(config);
  expect([statSync(file).mode & 0o777, statSync(join(folder, 'posthorn')).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(readdirSync(join(folder, 'posthorn'))).toEqual(['config.json']);
});

it('refuses a file that others can read, and one that is not valid, without printing a key', () => {
  chmodSync(file, 0o640);
  expect(() => readConfig(file)).toThrow(`Other users may read ${file}`);
  chmodSync(file, 0o600);
  writeFileSync(file, JSON.stringify({ ...config, profiles: { one: { url: 'hush', apiKey: 'hush' } } }));
  expect(() => readConfig(file)).toThrow(/is not a valid configuration: profiles\.one\.\w+\.$/);
  writeFileSync(file, '{"hush');
  expect(() => readConfig(file)).toThrow(/is not a valid configuration: no JSON\.$/);
});
