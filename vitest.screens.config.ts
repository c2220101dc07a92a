import { defineConfig } from 'vitest/config';
import { fromSource } from './vitest.config.js';

// `npm run screens` uses the tests' stack and list of screens, but tests nothing.
export default defineConfig({
  ...fromSource,
  test: {
    name: 'e2e',
    include: ['e2e/console/take-screens.ts'],
    globalSetup: 'vitest.global-setup.ts',
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});
