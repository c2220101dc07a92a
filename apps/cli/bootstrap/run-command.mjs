import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare } from './prepare.mjs';
import { runTests } from './run-tests.mjs';
import { stressTests } from './stress-tests.mjs';
import { root, run } from './step.mjs';

/** start: installs, builds and becomes the local stack in this process, so that signals reach it · dev: the same, and watches the
 *  sources · seed: adds sample data to the running stack · test: checks and tests · stress: the tests while every core is busy ·
 *  bench, bench:console: benchmarks · screens: screenshots of the console · faults: the fault suite ·
 *  restore: the drill of a restore · image:check: builds and tests the Docker image. */
export async function runCommand(name, args) {
  switch (name) {
    case 'start':
    case 'dev': {
      await prepare();
      const main = join(root, 'apps/cli/dist/main.js');
      process.argv = [process.execPath, main, 'dev', ...(name === 'dev' ? ['--watch'] : []), ...args];
      // Deliveries fail for good after two attempts, so that every state appears.
      if (name === 'dev') process.env.RETRY_SCHEDULE_SECONDS ??= '2';
      await import(pathToFileURL(main).href);
      return;
    }
    case 'seed':
      await prepare();
      process.exitCode = await run(process.execPath, ['packages/testing/dist/seed.js', ...args]);
      return;
    case 'test':
      process.exitCode = await runTests(args);
      return;
    case 'stress':
      process.exitCode = await stressTests(args);
      return;
    case 'bench':
      await prepare();
      process.exitCode = await run(process.execPath, ['bench/dist/main.js', ...args]);
      return;
    case 'bench:console':
      await prepare();
      process.exitCode = await run(process.execPath, ['bench/dist/console.js', ...args]);
      return;
    case 'screens':
      await prepare();
      process.exitCode = await run(process.execPath, [
        'node_modules/vitest/vitest.mjs',
        'run',
        '--config',
        'vitest.screens.config.ts',
        ...args,
      ]);
      return;
    case 'faults':
      await prepare();
      process.exitCode = await run(process.execPath, ['faults/dist/main.js', ...args]);
      return;
    case 'restore':
      await prepare();
      process.exitCode = await run(process.execPath, ['faults/dist/restore.js', ...args]);
      return;
    case 'image:check':
      await prepare();
      process.exitCode = await run(process.execPath, ['deploy/check-image.mjs', ...args]);
      return;
    default:
      console.error(
        'Usage: node apps/cli/bootstrap.mjs start | dev | seed | test [vitest arguments] | stress [vitest arguments] | bench [arguments] | bench:console [arguments] | screens [vitest arguments] | faults [arguments] | restore [arguments] | image:check [arguments]',
      );
      process.exitCode = 2;
  }
}
