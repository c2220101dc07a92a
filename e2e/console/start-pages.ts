import { fileURLToPath } from 'node:url';
import { endProcess, makeScratchFolder, startProcess, waitFor } from '@posthorn/testing';
import type { Stack } from '../stack.js';

const fileOf = (app: string): string => fileURLToPath(new URL(`../../apps/${app}/dist/main.js`, import.meta.url));

/** Starts Bull Board beside a stack, at this URL. It knows the operator key, as in the local stack. Returns how to stop it. */
export async function startBoard(stack: Stack, boardUrl: string): Promise<() => Promise<void>> {
  const board = await startProcess({
    file: fileOf('board'),
    env: {
      PATH: process.env['PATH'] ?? '',
      BOARD_PORT: new URL(boardUrl).port,
      POSTHORN_OPERATOR_KEY: stack.operatorKey,
      POSTHORN_API_URL: stack.apiUrl,
      QUEUE_BACKEND: stack.redis ? 'redis' : 'postgres',
      DATABASE_URL: stack.databaseUrl,
      ...(stack.redis && { REDIS_URL: stack.redis.url }),
    },
    readyUrl: `${boardUrl}/readyz`,
  });
  return () => endProcess(board);
}

/** Starts the demo beside a stack, at this URL, and waits for its first delivery. Returns how to stop it. */
export async function startDemo(stack: Stack, demoUrl: string): Promise<() => Promise<void>> {
  const demo = await startProcess({
    file: fileOf('demo'),
    env: {
      PATH: process.env['PATH'] ?? '',
      DEMO_PORT: new URL(demoUrl).port,
      POSTHORN_API_URL: stack.apiUrl,
      POSTHORN_OPERATOR_KEY: stack.operatorKey,
      POSTHORN_DATA_DIR: makeScratchFolder(),
    },
    readyUrl: `${demoUrl}/status.json`,
  });
  await waitFor(async () => ((await (await fetch(`${demoUrl}/status.json`)).json()) as { ready: boolean }).ready, {
    what: 'the first delivery of the demo',
  });
  return () => endProcess(demo);
}
