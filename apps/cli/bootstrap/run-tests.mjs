import { install, npm, prepare } from './prepare.mjs';
import { run, step } from './step.mjs';

const CHECKS = [
  ['Checking types', 'typecheck'],
  ['Linting', 'lint'],
  ['Checking the format', 'format:check'],
  ['Looking for unused code', 'unused'],
];
const vitest = 'node_modules/vitest/vitest.mjs';

/** Without arguments: builds, then runs every test and, concurrently, every check and the short fault suite. A failure does not stop
 *  the others; the last line lists all failures. With arguments: runs only the tests they select (paths and vitest options such
 *  as `--watch`); each tier builds and starts what its files need. Returns the worst exit code. */
export async function runTests(args) {
  if (args.length === 0) return runAll();
  await install();
  const isWatch = args.some((arg) => arg === '--watch' || arg === '-w');
  return run(process.execPath, [
    vitest,
    isWatch ? 'watch' : 'run',
    ...args.filter((arg) => !/^(--watch|-w)$/.test(arg)),
  ]);
}

async function runAll() {
  await prepare();
  const failed = [];
  let worst = 0;
  const note = (what, code) => {
    if (code !== 0) failed.push(what);
    worst = Math.max(worst, code);
  };
  // The tests mostly wait, so the checks run beside them. Each check prints its output in one block.
  const beside = async () => {
    for (const [label, script] of CHECKS)
      note(`npm run ${script}`, await step(label, ...npm('run', '--silent', script), { inOneBlock: true }));
    const faults = [process.execPath, ['faults/dist/main.js']];
    note('npm run test:faults', await step('Running the fault suite', ...faults, { inOneBlock: true, isShown: true }));
  };
  const tests = async () => note('vitest', await run(process.execPath, [vitest, 'run']));
  await Promise.all([tests(), beside()]);
  console.log(failed.length > 0 ? `\nFailed: ${failed.join(', ')}` : '\nAll checks, tests and faults passed.');
  return worst;
}
