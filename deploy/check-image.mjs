// npm run image:check [-- --store FOLDER]: builds the image without a Docker engine, starts every process from it as docker-compose.yml
// does, and delivers an event. Needs Linux, root and buildah, and debootstrap if the base image cannot be pulled. Takes some minutes.
// With --store, the layers stay in that folder, so the next run is faster; otherwise nothing stays.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { store: { type: 'string' } } });
const missing = findMissing();
if (missing.length > 0) {
  console.error(`The image was not checked. Missing: ${missing.join('; ')}.`);
  process.exit(1);
}

const scratch = mkdtempSync('/var/tmp/posthorn-image-');
chmodSync(scratch, 0o711); // the account of Postgres passes through
process.once('exit', () => spawnSync('rm', ['-rf', scratch]));

// Mounts and processes of the check are in namespaces of its own, so they end with it, also when it fails or is interrupted.
const check = fileURLToPath(new URL('check-image/main.mjs', import.meta.url));
const store = values.store ? resolve(values.store) : join(scratch, 'store');
const namespaces = ['--mount', '--mount-proc', '--ipc', '--pid', '--fork', '--kill-child'];
const child = spawn('unshare', [...namespaces, process.execPath, check, scratch, store], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill('SIGKILL'));
child.once('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
child.once('close', (code) => (process.exitCode = code ?? 1));

/** Returns what the check needs but this machine lacks, each with the way to get it. */
function findMissing() {
  if (process.platform !== 'linux') return ['Linux'];
  const hasCommand = (name) => spawnSync(name, ['--version']).error === undefined;
  return [
    process.getuid() !== 0 && 'root (run it with sudo)',
    !hasCommand('buildah') && 'buildah (apt-get install buildah)',
    !hasCommand('unshare') && 'unshare (apt-get install util-linux)',
    !hasCommand('redis-server') && !hasCommand('valkey-server') && 'redis-server (apt-get install redis-server)',
  ].filter(Boolean);
}
