import { readFileSync, readdirSync } from 'node:fs';

const TICK_US = 10_000; // Linux reports CPU time in hundredths of a second (proc(5), USER_HZ)

/** Microseconds of CPU that a process and its children have used, including ended children. NaN without /proc. */
export function cpuUs(pid: number): number {
  try {
    const own = readTimes(pid);
    const children = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => readStat(Number(name)))
      .filter((stat) => stat?.parent === pid);
    return own + children.reduce((sum, child) => sum + (child?.us ?? 0), 0);
  } catch {
    return Number.NaN;
  }
}

/** Microseconds of CPU that all processes of the machine have used, without waits for disks. NaN without /proc. */
export function machineBusyUs(): number {
  try {
    // proc(5): user, nice, system, idle, iowait, irq, softirq, …
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync('/proc/stat', 'utf8')
      .split('\n', 1)[0]!
      .split(/\s+/)
      .slice(1)
      .map(Number);
    return (user + nice + system + irq + softirq) * TICK_US;
  } catch {
    return Number.NaN;
  }
}

function readTimes(pid: number): number {
  const stat = readStat(pid);
  return stat ? stat.us + stat.endedChildrenUs : Number.NaN;
}

/** proc(5): after the name in brackets come state, parent, …; 14 to 17 are utime, stime, cutime, cstime. */
function readStat(pid: number): { parent: number; us: number; endedChildrenUs: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const at = (index: number) => Number(fields[index - 3]);
    return { parent: at(4), us: (at(14) + at(15)) * TICK_US, endedChildrenUs: (at(16) + at(17)) * TICK_US };
  } catch {
    return null; // it ended meanwhile
  }
}
