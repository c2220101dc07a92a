import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { readDemoEnv } from './env.js';

const OPERATOR_KEY = 'kR7wQz3XvB9mLp2TnY5cHd8sFg';
const dataDir = mkdtempSync(join(tmpdir(), 'posthorn-demo-'));
const localFile = join(dataDir, 'local.json');
beforeEach(() => rmSync(localFile, { force: true }));
afterAll(() => rmSync(dataDir, { recursive: true }));

test('without an API, a key and a local stack, throws an error that lists both', () => {
  expect(() => readDemoEnv({ POSTHORN_DATA_DIR: dataDir })).toThrow(/POSTHORN_API_URL .*\n.*POSTHORN_OPERATOR_KEY /);
});

test('takes unset values from the running local stack', () => {
  writeFileSync(localFile, JSON.stringify({ apiUrl: 'http://127.0.0.1:5000', operatorKey: OPERATOR_KEY }));
  expect(readDemoEnv({ POSTHORN_DATA_DIR: dataDir })).toMatchObject({
    apiUrl: 'http://127.0.0.1:5000',
    operatorKey: OPERATOR_KEY,
  });
});

test('finds the board in local.json, and by its port before that file exists', () => {
  const env = {
    POSTHORN_DATA_DIR: dataDir,
    POSTHORN_API_URL: 'http://127.0.0.1:3400/',
    POSTHORN_OPERATOR_KEY: OPERATOR_KEY,
  };
  const { findBoardUrl, apiUrl } = readDemoEnv(env);
  expect([apiUrl, findBoardUrl()]).toEqual(['http://127.0.0.1:3400', 'http://127.0.0.1:3401']);
  expect(readDemoEnv({ ...env, BOARD_PORT: '0' }).findBoardUrl()).toBeNull();
  writeFileSync(localFile, JSON.stringify({ boardUrl: 'http://127.0.0.1:5001' }));
  expect(findBoardUrl()).toBe('http://127.0.0.1:5001');
});
