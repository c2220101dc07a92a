import { npm } from './prepare.mjs';
import { run, step } from './step.mjs';

const checks = [
  ['Checking types', 'typecheck'],
  ['Linting', 'lint'],
  ['Checking the format', 'format:check'],
  ['Looking for what is unused', 'unused'],
];

/** All checks, then all tests, then the short form of the fault suite, whatever fails on the way; says at the end which failed
 *  and returns the worst exit code. With arguments only the tests that they name: `npm test -- packages/sender`. */
export async function runTests(args) {
  const failed = [];
  let worst = 0;
  const note = (what, code) => {
    if (code !== 0) failed.push(what);
    worst = Math.max(worst, code);
  };
  if (args.length === 0) {
    for (const [label, script] of checks)
      note(`npm run ${script}`, await step(label, ...npm('run', '--silent', script)));
  }
  note('vitest', await run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...args]));
  if (args.length === 0) note('npm run test:faults', await run(process.execPath, ['faults/dist/main.js']));
  if (failed.length > 0) console.error(`\nFailed: ${failed.join(', ')}`);
  return worst;
}
