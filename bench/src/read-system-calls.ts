import { readFileSync } from 'node:fs';

/** What the processes of a part have done since they started. */
export interface SystemCalls {
  /** How often the main thread has slept and woken up again (proc(5): voluntary_ctxt_switches). */
  wakes: number;
  /** System calls of all threads that read (proc(5): syscr of /proc/PID/io). */
  reads: number;
  /** System calls of all threads that write (syscw). */
  writes: number;
}

/** Adds up these processes. NaN without /proc, or if one has ended. */
export function readSystemCalls(pids: number[]): SystemCalls {
  const total = { wakes: 0, reads: 0, writes: 0 };
  for (const pid of pids) {
    total.wakes += readField(`/proc/${pid}/status`, 'voluntary_ctxt_switches');
    total.reads += readField(`/proc/${pid}/io`, 'syscr');
    total.writes += readField(`/proc/${pid}/io`, 'syscw');
  }
  return total;
}

function readField(path: string, name: string): number {
  try {
    const value = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(path, 'utf8'))?.[1];
    return value === undefined ? Number.NaN : Number(value);
  } catch {
    return Number.NaN;
  }
}
