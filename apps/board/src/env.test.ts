import { SettingsError } from '@posthorn/settings';
import { describe, expect, test } from 'vitest';
import { readBoardEnv } from './env.js';

const OPERATOR_KEY = 'kR7wQz3XvB9mLp2TnY5cHd8sFg';
const REDIS = { REDIS_URL: 'redis://127.0.0.1:6379' };

function problemsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    readBoardEnv(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe('readBoardEnv', () => {
  test('refuses to start without a password and an operator key, and names both settings (X9)', () => {
    expect(problemsOf(REDIS)).toEqual([
      'BOARD_PASSWORD or POSTHORN_OPERATOR_KEY is required: the board never runs without a login.',
    ]);
  });

  test('lists every problem at once when nothing is set', () => {
    expect(problemsOf({})).toHaveLength(2);
  });

  test('refuses a weak password even with an operator key, without echoing it', () => {
    const problems = problemsOf({ ...REDIS, POSTHORN_OPERATOR_KEY: OPERATOR_KEY, BOARD_PASSWORD: 'hunter2' });
    expect(problems.join()).toMatch(/^BOARD_PASSWORD /);
    expect(problems.join()).not.toContain('hunter2');
  });

  test('prefers BOARD_PASSWORD to the operator key', () => {
    const env = { ...REDIS, POSTHORN_OPERATOR_KEY: OPERATOR_KEY, BOARD_PASSWORD: 'a-horn-in-the-fog' };
    expect(readBoardEnv(env).password).toBe('a-horn-in-the-fog');
    expect(readBoardEnv({ ...REDIS, POSTHORN_OPERATOR_KEY: OPERATOR_KEY }).password).toBe(OPERATOR_KEY);
  });

  test('listens only on loopback and is read-only by default', () => {
    expect(readBoardEnv({ ...REDIS, POSTHORN_OPERATOR_KEY: OPERATOR_KEY })).toMatchObject({
      host: '127.0.0.1',
      port: 3401,
      readOnly: true,
      queue: { backend: 'redis' },
    });
  });

  test('uses the queue on Postgres without Redis', () => {
    const env = { DATABASE_URL: 'postgres://u:p@127.0.0.1/x', POSTHORN_OPERATOR_KEY: OPERATOR_KEY };
    expect(readBoardEnv(env).queue).toEqual({ backend: 'postgres', url: env.DATABASE_URL });
  });
});
