// Runs commands of the built CLI one after the other, each as main.ts does: a process for each would mostly load modules.
import { createProgram } from '../apps/cli/dist/program.js';
import { reportError } from '../apps/cli/dist/report-error.js';

/** @param {{ args: string[], env: Record<string, string> }} command */
async function run({ args, env }) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.exitCode = undefined;
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) process[name].write = (text) => Boolean((output[name] += String(text)));
  const isJson = args.includes('--json');
  try {
    await createProgram({ isJson }).parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = reportError(error, { isJson });
  }
  return { code: process.exitCode ?? 0, ...output };
}

let last = Promise.resolve();
process.on('message', ({ id, ...command }) => {
  last = last
    .then(() => run(command))
    .catch((error) => ({ code: 1, stdout: '', stderr: String(error.stack) }))
    .then((result) => void process.send({ id, ...result }));
});
