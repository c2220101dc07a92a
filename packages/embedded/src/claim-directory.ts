import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, markOf, type ProcessMark } from './process-mark.js';

/** A directory that belongs to this process until release(), or until the process is gone, however it ends. */
export interface Claim {
  /** The processes that the last owner wrote down, if it never released the directory. They may be dead. */
  readonly left: ProcessMark[];
  /** Writes down all processes that work in the directory for us, so that the next owner can end them should we be killed. */
  record(pids: number[]): void;
  release(): void;
}

/** Another live process works in the directory. */
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

/** Makes the directory if needed and claims it through the file `owner.json` in it. The claim of a process that no longer
 *  lives counts for nothing. Throws DirectoryInUse when a living one holds it, this very process included. */
export function claimDirectory(directory: string): Claim {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'owner.json');
  const self = markOf(process.pid);
  if (self === null) throw new Error('This process cannot see itself in the list of processes.');

  let left: ProcessMark[] = [];
  for (let tries = 0; ; tries++) {
    if (create(file, { ...self, helpers: [] })) break;
    const owner = read(file);
    if (owner !== null && (isAlive(owner) || tries >= 5)) throw new DirectoryInUse(directory, owner.pid);
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

// Two processes may find the same stale file; the slower must not remove what the faster has put in its place.
function removeStale(file: string, seen: Owner | null): ProcessMark[] | null {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(file, aside);
  } catch {
    return null; // the other one was faster
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
    return null; // gone meanwhile, or not ours: it protects nobody
  }
}
