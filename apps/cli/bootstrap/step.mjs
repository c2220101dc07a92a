import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/** One line per step, with its seconds. What the program says is shown only if it fails. Returns its exit code. */
export async function step(label, command, args, env = {}) {
  const startedAt = performance.now();
  process.stdout.write(`${label} … `);
  const { code, output } = await capture(command, args, env);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(code === 0 ? `${seconds} s\n` : `failed after ${seconds} s\n${output.trimEnd()}\n\n`);
  return code;
}

/** Runs a program that speaks for itself, in the project's root; returns its exit code. */
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

// Ctrl-C reaches the child by itself; a SIGTERM is passed on. We end when it has ended, with its exit code.
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
