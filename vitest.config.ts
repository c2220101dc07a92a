import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** They take minutes. Where no run before has told so they would begin late, by their size, and the others be done long before. */
const LONGEST = /e2e\/(console\/accessibility|recovers)\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is no array's
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONGEST.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['{packages,apps}/*/src/**/*.test.ts', '{e2e,bench,faults}/**/*.test.ts'],
    // One real Postgres and, where the machine has it, one Redis for all: a second and a half.
    globalSetup: 'vitest.global-setup.ts',
    // Most of them wait for something most of the time.
    maxWorkers: 3,
    // Files share what they import, which took an eighth of the whole; none of them changes a module.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // The first test of a file may wait for its stack too.
    testTimeout: 90_000,
    hookTimeout: 60_000,
  },
});
