import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, in the order in which they start. Those that mostly wait (for a retry, a lease, a failover) are between
 *  those that keep a core busy. Without durations of an earlier run, vitest starts files by size. */
const LONGEST = [
  'e2e/console/accessibility',
  'e2e/console/replays',
  'e2e/cli',
  'e2e/health',
  'e2e/scaling',
  'e2e/strict-order',
  'e2e/console/layouts',
  'e2e/console/verification',
  'e2e/delivers',
  'e2e/replays',
  'e2e/clients',
  'e2e/redis-tls',
  'e2e/package',
  'e2e/loses-nothing',
  'e2e/console/docs',
  'e2e/redis-cluster',
  'e2e/console/outages',
  'e2e/console/delivery-filters',
  'e2e/control',
  'e2e/console/portal',
  'run-local-stack.e2e',
  'e2e/fan-out',
  'e2e/redis-sentinel',
  'e2e/console/first-run',
  'e2e/publishes-once',
  'retention.db',
  'follow-rows.db',
  'start-redis-sentinels.db',
  'follow',
  'keep-running',
];
/** Waits for more than a minute, so it starts before all others. */
const FIRST = '/jobs.db.test.ts';
const TIERS = ['e2e', 'database', 'unit'];

/** One tier after the other: vitest ends a worker when the next file is of another tier, and with it the stacks that its files share. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- the sequencer's method, not an array's
    const sorted = await super.sort(files);
    const tierOf = ({ project, moduleId }: TestSpecification) =>
      moduleId.endsWith(FIRST) ? -1 : TIERS.indexOf(project.name);
    const placeOf = ({ moduleId }: TestSpecification) => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return place === -1 ? LONGEST.length : place;
    };
    return sorted.toSorted((a, b) => tierOf(a) - tierOf(b) || placeOf(a) - placeOf(b));
  }
}

/** Imports packages from their sources, so that tests need no build of them. */
export const fromSource = {
  resolve: {
    alias: [
      { find: /^@posthorn\/([a-z-]+)$/, replacement: `${import.meta.dirname}/packages/$1/src/index.ts` },
      {
        find: /^@posthorn\/(contract|core|jobs|sender)\/([a-z-]+)$/,
        replacement: `${import.meta.dirname}/packages/$1/src/$2.ts`,
      },
    ],
  },
};

// Only hanging tests reach these limits. No test may depend on the speed of the machine.
const HANG_GUARD = { testTimeout: 300_000, hookTimeout: 300_000, expect: { poll: { timeout: 120_000 } } };

// Three tiers, by file name or folder:
//   unit      *.test.ts        no Postgres, no Redis, no separate process, no browser; needs no build
//   database  *.db.test.ts     a real Postgres and Redis, parts of Posthorn inside the test's process; needs no build
//   e2e       *.e2e.test.ts, e2e/**   built processes, a browser
const SOURCES = '{packages,apps}/*/src/**';
export default defineConfig({
  test: {
    maxWorkers: 4, // tests mostly wait
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        ...fromSource,
        test: {
          name: 'unit',
          include: [`${SOURCES}/*.test.ts`, '{bench,faults}/src/**/*.test.ts', 'deploy/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.{db,e2e}.test.ts'],
          globalSetup: 'vitest.unit-setup.ts',
          isolate: false,
          setupFiles: 'vitest.setup.ts',
          ...HANG_GUARD,
        },
      },
      {
        ...fromSource,
        test: {
          name: 'database',
          include: [`${SOURCES}/*.db.test.ts`],
          globalSetup: 'vitest.global-setup.ts',
          isolate: false,
          setupFiles: 'vitest.setup.ts',
          ...HANG_GUARD,
        },
      },
      {
        ...fromSource,
        test: {
          name: 'e2e',
          include: [`${SOURCES}/*.e2e.test.ts`, 'faults/src/**/*.e2e.test.ts', 'e2e/**/*.test.ts'],
          globalSetup: 'vitest.global-setup.ts',
          isolate: false,
          setupFiles: 'vitest.setup.ts',
          ...HANG_GUARD,
        },
      },
    ],
  },
});
