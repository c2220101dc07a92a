import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The account that runs Postgres when this process is root, since Postgres refuses to run as root. */
export interface ServiceAccount {
  uid: number;
  gid: number;
  /** Set when the account cannot enter a folder above the data (usually root's home): a sentence that says so. */
  needsPassage: string | null;
}

/** `postgres` if the machine has it or allows making it, else `nobody`; null when this process is not root. `data` is the folder
 *  that the account must reach. */
export function openServiceAccount(data: string): ServiceAccount | null {
  if (process.getuid?.() !== 0) return null;
  const name = findOrMakeAccount();
  const account = { uid: idOf('-u', name), gid: idOf('-g', name) };
  const closed = closedFolder(data, account);
  return {
    ...account,
    needsPassage: closed
      ? `Postgres does not run as root, and the account ${name}, which it runs as instead, cannot enter ${closed}: use another folder, or start as an ordinary user.`
      : null,
  };
}

function findOrMakeAccount(): string {
  if (exists('postgres')) return 'postgres';
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], { stdio: 'ignore' });
  } catch {
    // No useradd, or /etc is read-only. Every machine has `nobody`.
  }
  return exists('postgres') ? 'postgres' : 'nobody';
}

function exists(name: string): boolean {
  try {
    idOf('-u', name);
    return true;
  } catch {
    return false;
  }
}

function idOf(flag: '-u' | '-g', name: string): number {
  return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
}

/** The nearest folder above the path that the account cannot enter; null when it can reach the path. */
export function closedFolder(path: string, { uid, gid }: { uid: number; gid: number }): string | null {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid: owner, gid: group } = statSync(folder);
    const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return folder;
    if (folder === dirname(folder)) return null;
  }
}
