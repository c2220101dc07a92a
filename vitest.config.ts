import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{packages,apps}/*/src/**/*.test.ts', '{e2e,bench,faults}/**/*.test.ts'],
    // One real Postgres and, where the machine has it, one Redis for all: a second and a half.
    globalSetup: 'vitest.global-setup.ts',
    // Most of them wait for something most of the time.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
