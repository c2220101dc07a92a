import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEnv, SettingsError, unknownNames } from './read-env.js';
import { type Setting, type SettingName, settingNames, settings } from './settings.js';

const operatorKey = 'Yb3kq0vTn5Wf8sLr2cXhJ7mP';
const encryptionKey = '3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=';

function problemsOf(env: NodeJS.ProcessEnv, ...of: SettingName[]): string[] {
  try {
    readEnv(env, of);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe('readEnv', () => {
  it('parses every setting: camelCase keys without the prefix, numbers, booleans, lists; an unset one is null', () => {
    const all = readEnv(
      {
        DATABASE_URL: 'postgres://u:p@localhost/db',
        POSTHORN_OPERATOR_KEY: operatorKey,
        POSTHORN_ENCRYPTION_KEY: encryptionKey,
        BOARD_READ_ONLY: 'false',
      },
      settingNames,
    );
    expect(all).toMatchObject({ databaseUrl: 'postgres://u:p@localhost/db', operatorKey, encryptionKey });
    expect(all).toMatchObject({ apiPort: 3400, redisUrl: null, boardReadOnly: false, encryptionKeysOld: [] });
    expect(all.retryScheduleSeconds).toHaveLength(11);
    expect(Object.keys(all)).toHaveLength(settingNames.length);
  });

  it('needs no variables in the local stack, where loopback and http are allowed', () => {
    const local = readEnv({}, settingNames, { localStack: true });
    expect(local).toMatchObject({ databaseUrl: null, operatorKey: null, encryptionKey: null, apiHost: '127.0.0.1' });
    expect(local).toMatchObject({ requireHttps: false, allowPrivateNetworks: '127.0.0.0/8,::1,localhost' });
  });

  it('lists every problem at once and repeats no value', () => {
    const env = { DATABASE_URL: 'mysql://root:hunter2@db', API_PORT: '70000', POSTHORN_OPERATOR_KEY: 'short-hunter2' };
    const problems = problemsOf(env, 'DATABASE_URL', 'API_PORT', 'POSTHORN_OPERATOR_KEY', 'POSTHORN_ENCRYPTION_KEY');
    expect(problems).toHaveLength(4);
    expect(problems.join('\n')).not.toMatch(/hunter2|70000/);
    expect(problems[1]).toBe('API_PORT must be a whole number from 0 to 65535');
  });

  it('treats an empty variable, as docker compose writes it, as unset', () => {
    expect(readEnv({ REDIS_URL: '', API_PORT: '' }, ['REDIS_URL', 'API_PORT'])).toEqual({
      redisUrl: null,
      apiPort: 3400,
    });
  });

  it.each([
    ['too short', 'abc123'],
    ['one character over and over', 'a'.repeat(40)],
    ['an example', 'change-me-change-me-0123456789'],
    ['not printable in a header', 'with a space 0123456789 abcdef'],
  ])('refuses an operator key that is %s', (_, key) => {
    expect(problemsOf({ POSTHORN_OPERATOR_KEY: key }, 'POSTHORN_OPERATOR_KEY')).toHaveLength(1);
  });

  it.each([
    ['of 31 bytes', Buffer.alloc(31, 'abcdefghijklmnop').toString('base64'), 1],
    ['of zeros', Buffer.alloc(32).toString('base64'), 1],
    ['as base64', encryptionKey, 0],
    ['as hex', Buffer.from(encryptionKey, 'base64').toString('hex'), 0],
  ])('validates an encryption key %s', (_, key, problems) => {
    expect(problemsOf({ POSTHORN_ENCRYPTION_KEY: key }, 'POSTHORN_ENCRYPTION_KEY')).toHaveLength(problems);
  });

  it.each(['0.5,x', '-1', ' ', ',', '700000'])('refuses the retry schedule %j', (schedule) => {
    expect(problemsOf({ RETRY_SCHEDULE_SECONDS: schedule }, 'RETRY_SCHEDULE_SECONDS')).toHaveLength(1);
  });

  it.each([
    ['none', 0],
    ['10.0.0.0/8, ::1, host.docker.internal', 0],
    ['10.0.0.0/33', 1],
    ['none,localhost', 1],
    ['http://localhost', 1],
    ['*.svc.cluster.local, *.internal', 0],
    ['*', 1],
    ['*.10.0.0.1', 1],
    ['*.10.0.0.0/8', 1],
  ])('ALLOW_PRIVATE_NETWORKS %j', (value, problems) => {
    expect(problemsOf({ ALLOW_PRIVATE_NETWORKS: value }, 'ALLOW_PRIVATE_NETWORKS')).toHaveLength(problems);
  });

  it('reads a secret from the file that its _FILE variable names, without the last line break', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'settings-')), 'key');
    writeFileSync(file, `${operatorKey}\n`);
    expect(readEnv({ POSTHORN_OPERATOR_KEY_FILE: file }, ['POSTHORN_OPERATOR_KEY'])).toEqual({ operatorKey });
  });

  it('refuses a secret that is set in both forms, and a file that does not exist', () => {
    const both = { POSTHORN_OPERATOR_KEY: operatorKey, POSTHORN_OPERATOR_KEY_FILE: '/somewhere' };
    expect(problemsOf(both, 'POSTHORN_OPERATOR_KEY')).toEqual([
      'POSTHORN_OPERATOR_KEY and POSTHORN_OPERATOR_KEY_FILE are both set: keep one',
    ]);
    expect(problemsOf({ POSTHORN_OPERATOR_KEY_FILE: '/not/there' }, 'POSTHORN_OPERATOR_KEY')[0]).toContain('ENOENT');
  });

  it.each(Object.entries<Setting>(settings))('%s has defaults that its own schema accepts', (_, setting) => {
    const defaults = [setting.default, setting.localStack ?? null].filter((value) => value !== null);
    expect(defaults.filter((value) => !setting.schema.safeParse(value).success)).toEqual([]);
  });
});

describe('the variables of OpenTelemetry', () => {
  const read = (value: string) => readEnv({ OTEL_EXPORTER_OTLP_HEADERS: value }, ['OTEL_EXPORTER_OTLP_HEADERS']);

  it('have names and percent-encoded values', () =>
    expect(read('authorization=Bearer%20a=b, x-tenant=acme').otelExporterOtlpHeaders).toEqual({
      authorization: 'Bearer a=b',
      'x-tenant': 'acme',
    }));

  it.each(['s3cr3t', '=s3cr3t', 'key=%s3cr3t'])('refuses %j without repeating it', (value) => {
    expect(() => read(value)).toThrow('OTEL_EXPORTER_OTLP_HEADERS must be name=value');
    expect(() => read(value)).not.toThrow('s3cr3t');
  });
});

describe('unknownNames', () => {
  it('returns the POSTHORN_ variables that are not settings, and no others', () => {
    const env = { POSTHORN_OPERATER_KEY: 'x', POSTHORN_OPERATOR_KEY_FILE: 'x', POSTHORN_DATA_DIR: 'x', HOME: '/root' };
    expect(unknownNames(env)).toEqual(['POSTHORN_OPERATER_KEY']);
  });
});
