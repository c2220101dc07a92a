import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Makes a folder with a Dockerfile for a base image like `node:…-slim`: this machine's distribution and its Node. For machines that
 *  cannot reach Docker Hub. Throws without debootstrap. */
export function makeStandInBase({ base, scratch }) {
  if (spawnSync('debootstrap', ['--version']).error)
    throw new Error(`${base} cannot be pulled, and its stand-in needs debootstrap (apt-get install debootstrap).`);
  const folder = join(scratch, 'base');
  const files = join(folder, 'files');
  const [, suite] = /^VERSION_CODENAME=(\S+)/m.exec(readFileSync('/etc/os-release', 'utf8'));
  console.log(`${base} cannot be pulled. Its stand-in is ${suite} with Node ${process.version}.`);
  const packages = '--include=ca-certificates,libstdc++6,libatomic1';
  execFileSync('debootstrap', ['--variant=minbase', packages, suite, files], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const unused of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/man', 'usr/share/locale'])
    rmSync(join(files, unused), { recursive: true, force: true });
  execFileSync('chroot', [files, 'useradd', '--uid', '1000', '--create-home', 'node']);

  const local = join(files, 'usr/local');
  cpSync(process.execPath, join(local, 'bin/node'), { dereference: true });
  const npm = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
  mkdirSync(join(local, 'lib/node_modules'), { recursive: true });
  cpSync(join(npm, 'npm'), join(local, 'lib/node_modules/npm'), { recursive: true, verbatimSymlinks: true });
  for (const command of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${command}-cli.js`, join(local, 'bin', command));

  writeFileSync(join(folder, 'Dockerfile'), ['FROM scratch', 'COPY files /', ...trustOfThisMachine(files)].join('\n'));
  return folder;
}

/** A proxy in front of the registry may have a certificate of its own authority. */
function trustOfThisMachine(files) {
  const { NODE_EXTRA_CA_CERTS: trusted } = process.env;
  if (!trusted) return [];
  mkdirSync(dirname(join(files, trusted)), { recursive: true });
  cpSync(trusted, join(files, trusted), { dereference: true });
  return [`ENV NODE_EXTRA_CA_CERTS=${trusted}`];
}
