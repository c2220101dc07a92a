import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, markOf, type ProcessMark } from './process-mark.js';

/** A directory that belongs to this process until release(), or until the process ends in any way. */
export interface Claim {
  /** The processes that the last owner recorded, if it never released the directory. They may have ended. */
  readonly left: ProcessMark[];
  /** Records all processes that work in the directory for this one, so that the next owner can end them if this one is killed. */
  record(pids: number[]): void;
  release(): void;
}

/** Another running process works in the directory. */
export class DirectoryInUse extends Error {
  readonly directory: string;
  readonly pid: number;

  constructor(directory: string, pid: number) {
    super(`${directory} is in use by process ${pid}.`);
    this.name = 'DirectoryInUse';
    this.directory = directory;
    this.pid = pid;
  }
}

interface Owner extends ProcessMark {
  helpers: ProcessMark[];
}

/** Makes the directory if needed, and claims it with the file `owner.json` in it. Ignores claims of ended processes. Throws
 *  DirectoryInUse when a running process has claimed it, even this one. */
export function claimDirectory(directory: string): Claim {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'owner.json');
  const self = markOf(process.pid);
  if (self === null) throw new Error('This process is not in the list of processes.');

  let left: ProcessMark[] = [];
  for (let attempts = 0; ; attempts++) {
    if (create(file, { ...self, helpers: [] })) break;
    const owner = read(file);
    if (owner !== null && (isAlive(owner) || attempts >= 5)) throw new DirectoryInUse(directory, owner.pid);
    left = removeStale(file, owner) ?? left;
  }

  return {
    left,
    record: (pids) => replace(file, { ...self, helpers: pids.flatMap((pid) => markOf(pid) ?? []) }),
    release: () => rmSync(file, { force: true }),
  };
}

// A link appears with its content or not at all, and only one process can make it.
function create(file: string, owner: Owner): boolean {
  const draft = draftOf(file, owner);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function replace(file: string, owner: Owner): void {
  renameSync(draftOf(file, owner), file);
}

function draftOf(file: string, owner: Owner): string {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, JSON.stringify(owner), { mode: 0o600 });
  return draft;
}

// Two processes may find the same stale file; the slower one must not remove the new file of the faster one.
function removeStale(file: string, seen: Owner | null): ProcessMark[] | null {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(file, aside);
  } catch {
    return null; // the other process was faster
  }
  const taken = read(aside);
  if (taken !== null && (taken.pid !== seen?.pid || taken.startedAt !== seen.startedAt)) {
    renameSync(aside, file);
    return null;
  }
  rmSync(aside, { force: true });
  return taken?.helpers ?? null;
}

function read(file: string): Owner | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner;
  } catch {
    return null; // removed meanwhile, or not a claim
  }
}
