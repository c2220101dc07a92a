import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, step } from './step.mjs';

/** Installs packages that are missing or out of date. Exits if that fails. */
export async function install() {
  if (!isInstalled()) await must('Installing packages', ...npm('ci', '--include=dev', '--prefer-offline'));
}

/** Installs and builds what is missing or out of date, including the Prisma client. Exits if that fails. */
export async function prepare() {
  await install();
  const turbo = join(root, 'node_modules/turbo/bin/turbo');
  const args = [turbo, 'run', 'build', '--output-logs=errors-only'];
  const env = { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
  await must('Building', process.execPath, args, { env });
}

/** A required step: exits if it fails. */
async function must(...stepArguments) {
  const code = await step(...stepArguments);
  if (code !== 0) process.exit(code);
}

/** The npm that runs this process, else the one on the PATH. */
export function npm(...args) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith('.js') ? [process.execPath, [cli, ...args]] : ['npm', args];
}

// npm writes this file at the end of an installation; it does not list packages for other platforms.
function isInstalled() {
  const wanted = readJson('package-lock.json').packages;
  const installed = readJson('node_modules/.package-lock.json')?.packages;
  if (!installed) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (!path.includes('node_modules/')) return true;
    return installed[path] ? installed[path].version === version : optional === true;
  });
}

function readJson(path) {
  const text = read(path);
  return text === '' ? undefined : JSON.parse(text);
}

function read(path) {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return '';
  }
}
