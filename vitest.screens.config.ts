import { defineConfig } from 'vitest/config';

// `npm run screens`: no test, but on the tests' stack, and with their list of screens.
export default defineConfig({
  test: {
    include: ['e2e/console/take-screens.ts'],
    globalSetup: 'vitest.global-setup.ts',
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});
