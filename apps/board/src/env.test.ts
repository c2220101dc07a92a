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
  test('no password and no operator key: refused, in one sentence that names both (X9)', () => {
    expect(problemsOf(REDIS)).toEqual([
      'BOARD_PASSWORD or POSTHORN_OPERATOR_KEY is required: the board never runs without a login.',
    ]);
  });

  test('nothing set at all: every problem is listed at once', () => {
    expect(problemsOf({})).toHaveLength(2);
  });

  test('a weak password is refused even when there is an operator key, and not echoed', () => {
    const problems = problemsOf({ ...REDIS, POSTHORN_OPERATOR_KEY: OPERATOR_KEY, BOARD_PASSWORD: 'hunter2' });
    expect(problems.join()).toMatch(/^BOARD_PASSWORD /);
    expect(problems.join()).not.toContain('hunter2');
  });

  test('the board’s own password wins over the operator key', () => {
    const env = { ...REDIS, POSTHORN_OPERATOR_KEY: OPERATOR_KEY, BOARD_PASSWORD: 'a-horn-in-the-fog' };
    expect(readBoardEnv(env).password).toBe('a-horn-in-the-fog');
    expect(readBoardEnv({ ...REDIS, POSTHORN_OPERATOR_KEY: OPERATOR_KEY }).password).toBe(OPERATOR_KEY);
  });

  test('unset, it listens on loopback only and changes nothing', () => {
    expect(readBoardEnv({ ...REDIS, POSTHORN_OPERATOR_KEY: OPERATOR_KEY })).toMatchObject({
      host: '127.0.0.1',
      port: 3401,
      readOnly: true,
      queue: { backend: 'redis' },
    });
  });

  test('without Redis the queue is the one in Postgres', () => {
    const env = { DATABASE_URL: 'postgres://u:p@127.0.0.1/x', POSTHORN_OPERATOR_KEY: OPERATOR_KEY };
    expect(readBoardEnv(env).queue).toEqual({ backend: 'postgres', url: env.DATABASE_URL });
  });
});
