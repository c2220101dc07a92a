import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/** Runs a program and prints one line with its duration. Shows the program's output only if it fails, or always with `isShown`.
 *  `inOneBlock` prints everything at the end, for concurrent steps. Returns the exit code. */
export async function step(label, command, args, { env = {}, inOneBlock = false, isShown = false } = {}) {
  const startedAt = performance.now();
  if (!inOneBlock) process.stdout.write(`${label} … `);
  const { code, output } = await capture(command, args, env);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const verdict = code === 0 ? `${seconds} s` : `failed after ${seconds} s`;
  const shown = code !== 0 || isShown ? `${output.trimEnd()}\n\n` : '';
  process.stdout.write(`${inOneBlock ? `${label} … ` : ''}${verdict}\n${shown}`);
  return code;
}

/** Runs a program in the project's root with its own output. Returns its exit code. */
export function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
    letItEndFirst(child);
  });
}

function capture(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
    letItEndFirst(child);
  });
}

// The terminal sends Ctrl-C to the child, too; a SIGTERM is passed on. Exits after the child, with its exit code.
function letItEndFirst(child) {
  const passOn = () => void child.kill('SIGTERM');
  const wait = () => undefined;
  process.on('SIGTERM', passOn);
  process.on('SIGINT', wait);
  child.once('close', (_, signal) => {
    process.off('SIGTERM', passOn);
    process.off('SIGINT', wait);
    if (signal === 'SIGINT' || signal === 'SIGTERM') process.exit(1);
  });
}
