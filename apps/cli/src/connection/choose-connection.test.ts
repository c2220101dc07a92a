import { expect, it } from 'vitest';
import { chooseConnection, type Given, parseUrl } from './choose-connection.js';

const NONE: Given = {
  flags: {},
  env: { url: null, apiKey: null, profile: null, account: null },
  local: null,
  config: { current: null, profiles: {} },
};
const local = { apiUrl: 'http://127.0.0.1:3400', operatorKey: 'key-of-local' };
const config = {
  current: 'production',
  profiles: {
    production: { url: 'https://hooks.example.com/posthorn', apiKey: 'key-of-production', account: 'acme' },
    staging: { url: 'https://staging.example.com', apiKey: 'key-of-staging', account: null },
  },
};

const choose = ({ env, ...given }: Partial<Omit<Given, 'env'>> & { env?: Partial<Given['env']> }) => {
  const { url, apiKey, account } = chooseConnection({ ...NONE, ...given, env: { ...NONE.env, ...env } });
  return [url.href, apiKey, account];
};

it('takes --profile, then the environment, then the local stack, then the current profile', () => {
  const env = { url: 'https://env.example.com', apiKey: 'key-of-env' };
  const all = { env, local, config };
  expect(choose({ ...all, flags: { profile: 'staging' } })).toEqual([
    'https://staging.example.com/',
    'key-of-staging',
    null,
  ]);
  expect(choose(all)).toEqual(['https://env.example.com/', 'key-of-env', null]);
  expect(choose({ env: { profile: 'staging' }, local, config })[1]).toBe('key-of-staging');
  expect(choose({ local, config })).toEqual(['http://127.0.0.1:3400/', 'key-of-local', 'demo']);
  expect(choose({ config })).toEqual(['https://hooks.example.com/posthorn', 'key-of-production', 'acme']);
  expect(() => choose({})).toThrow('No local stack is running in this folder, and no profile is stored.');
});

it('combines a key only with the origin that it was entered for', () => {
  const at = (url: string, more: Partial<Given> = {}) =>
    choose({ local, config, ...more, flags: { apiUrl: url, ...more.flags } });
  expect(at('https://staging.example.com/other')).toEqual([
    'https://staging.example.com/other',
    'key-of-staging',
    null,
  ]);
  expect(at('http://127.0.0.1:3400')[1]).toBe('key-of-local');
  for (const url of ['https://evil.example.com', 'https://staging.example.com:444', 'http://127.0.0.1:3401']) {
    expect(() => at(url)).toThrow('No key is stored for');
    expect(() => at(url, { flags: { profile: 'staging' } })).toThrow(
      'belongs to https://staging.example.com, not to --api-url',
    );
  }
  expect(() => choose({ env: { apiKey: 'key-of-env' }, local, config })).toThrow(
    'POSTHORN_API_KEY is set without POSTHORN_URL',
  );
});

it('regression: sends POSTHORN_API_KEY only to the origin of POSTHORN_URL', () => {
  const env = { url: 'https://a.example.com/base', apiKey: 'key-of-a' };
  const at = (apiUrl: string, given = env) => choose({ env: given, local, config, flags: { apiUrl } });
  expect(at('https://a.example.com/other')).toEqual(['https://a.example.com/other', 'key-of-a', null]);
  for (const url of ['https://b.example.com', 'https://a.example.com:444', 'https://staging.example.com']) {
    expect(() => at(url)).toThrow('The key in POSTHORN_API_KEY belongs to https://a.example.com (POSTHORN_URL)');
  }
  const names = { url: 'POSTHORN_API_URL', apiKey: 'POSTHORN_OPERATOR_KEY' };
  expect(() => at('https://b.example.com', { ...env, names } as typeof env)).toThrow(
    'The key in POSTHORN_OPERATOR_KEY',
  );
  expect(() => choose({ env: { apiKey: 'k' }, flags: { apiUrl: 'https://b.example.com' } })).toThrow(
    'POSTHORN_API_KEY is set without POSTHORN_URL',
  );
  expect(() => choose({ env: { ...env, apiKey: 'ü' } })).toThrow('POSTHORN_API_KEY has characters that no key has');
});

it('sends no key unencrypted to another machine, unless it is allowed', () => {
  const env = { url: 'http://hooks.example.com', apiKey: 'k' };
  expect(() => choose({ env })).toThrow('http://hooks.example.com is not encrypted');
  expect(choose({ env, flags: { allowHttp: true } })[1]).toBe('k');
  for (const host of ['localhost', '127.0.0.1', '[::1]', 'api.localhost']) {
    expect(choose({ env: { url: `http://${host}:3400`, apiKey: 'k' } })[1]).toBe('k');
  }
  for (const host of ['127.0.0.1.example.com', 'localhost.example.com', '10.0.0.1']) {
    expect(() => choose({ env: { url: `http://${host}`, apiKey: 'k' } })).toThrow('is not encrypted');
  }
});

it('takes the account of --account, then of the environment, then of the connection', () => {
  const env = { account: 'of-env' };
  expect(choose({ config, env, flags: { account: 'of-flag' } })[2]).toBe('of-flag');
  expect(choose({ config, env })[2]).toBe('of-env');
});

it('names the option and what it must be for a URL that is not valid, without repeating a password', () => {
  expect(() => parseUrl('hooks.example.com', '--url')).toThrow('--url must be an http or https URL');
  expect(() => parseUrl('https://me:hush@example.com', '--url')).toThrow(
    /^--url must not contain a user name or password\.$/,
  );
});

it('a profile with the name of a property of objects does not exist', () => {
  expect(() => choose({ config, flags: { profile: '__proto__' } })).toThrow('No profile is named __proto__.');
});
