import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Identifies a process later. A pid alone does not, since the system reuses pids, in a container soon. */
export interface ProcessMark {
  pid: number;
  startedAt: string;
}

/** The mark of a running process; null for an ended one or a zombie. */
export function markOf(pid: number): ProcessMark | null {
  const startedAt = process.platform === 'linux' ? startTicks(pid) : startTime(pid);
  return startedAt === null ? null : { pid, startedAt };
}

export function isAlive(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.startedAt === mark.startedAt;
}

/** The command line of a running process, to recognise a server of ours; null if it has ended. */
export function commandOf(pid: number): string | null {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return null; // gone
  }
}

/** Ends a process that is not our child: sends the signals in order, each with its wait. Throws if the process still runs. */
export async function endProcess(
  mark: ProcessMark,
  steps: { signal: NodeJS.Signals; waitMs: number }[],
): Promise<void> {
  for (const { signal, waitMs } of steps) {
    if (!isAlive(mark)) return;
    process.kill(mark.pid, signal);
    const until = Date.now() + waitMs;
    while (isAlive(mark) && Date.now() < until) await delay(20);
  }
  if (isAlive(mark)) throw new Error(`Process ${mark.pid} does not end.`);
}

/** The parent of a running process; null if it cannot be found. */
export function parentOf(pid: number): number | null {
  try {
    if (process.platform === 'linux') return Number(statFields(pid)[1]);
    return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));
  } catch {
    return null;
  }
}

function startTicks(pid: number): string | null {
  try {
    const fields = statFields(pid);
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

// From the third field (the state) on: the name before it may hold spaces and brackets.
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function startTime(pid: number): string | null {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? null : line.slice(line.indexOf(' ')).trim();
  } catch {
    return null;
  }
}
