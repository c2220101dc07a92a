import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnv } from '@posthorn/settings';
import { afterAll, expect, test } from 'vitest';
import { keepKeys } from './keep-keys.js';

const dataDir = mkdtempSync(join(tmpdir(), 'keep-keys-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

test('creates keys once, readable only by the owner, and valid for every process', () => {
  const made = keepKeys(dataDir, { operatorKey: null, encryptionKey: null });
  expect(keepKeys(dataDir, { operatorKey: null, encryptionKey: null })).toEqual(made);
  for (const name of ['operator-key', 'encryption-key']) {
    expect(statSync(join(dataDir, name)).mode & 0o777).toBe(0o600);
  }
  const env = { POSTHORN_OPERATOR_KEY: made.operatorKey, POSTHORN_ENCRYPTION_KEY: made.encryptionKey };
  expect(readEnv(env, ['POSTHORN_OPERATOR_KEY', 'POSTHORN_ENCRYPTION_KEY'])).toEqual(made);
});

test('prefers keys of the environment, and does not store them', () => {
  const kept = keepKeys(dataDir, { operatorKey: null, encryptionKey: null });
  expect(keepKeys(dataDir, { operatorKey: 'given', encryptionKey: 'given too' })).toEqual({
    operatorKey: 'given',
    encryptionKey: 'given too',
  });
  expect(keepKeys(dataDir, { operatorKey: null, encryptionKey: null })).toEqual(kept);
});
