import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { runTests } from './run-tests.mjs';

const RUNS = 2;

/** Runs the tests twice while a busy loop occupies each core, and prints how long each run took. Tests that depend on the speed of
 *  the machine fail here. Takes the arguments of `npm test`. Stops at the first failed run; returns its exit code. */
export async function stressTests(args) {
  const loops = Array.from({ length: availableParallelism() }, () =>
    spawn(
      process.execPath,
      [
        '-e',
        'process.on("disconnect", () => process.exit()); setInterval(() => { const until = Date.now() + 1000; while (Date.now() < until); })',
      ],
      { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] },
    ),
  );
  try {
    for (let number = 1; number <= RUNS; number += 1) {
      const startedAt = performance.now();
      const code = await runTests(args);
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      console.log(
        `\nRun ${number} of ${RUNS} beside ${loops.length} busy loops: ${code === 0 ? 'passed' : 'FAILED'} after ${seconds} s`,
      );
      if (code !== 0) return code;
    }
    return 0;
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
  }
}
