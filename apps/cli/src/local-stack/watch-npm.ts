import { commandOf, isAlive, markOf, parentOf } from '@posthorn/embedded';

/** Calls back once when the npm that runs this process has ended, since a killed npm sends no signal. A shell may be between the
 *  two, and may end first. */
export function watchNpm(onGone: () => void): void {
  const parent = process.ppid;
  const npm = findNpm(parent);
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === null || isAlive(npm))) return;
    clearInterval(timer);
    onGone();
  }, 1000);
  timer.unref();
}

function findNpm(from: number) {
  for (let pid: number | null = from, steps = 0; pid !== null && pid > 1 && steps < 3; pid = parentOf(pid), steps++) {
    if (/^npm |npm-cli\.js/.test(commandOf(pid) ?? '')) return markOf(pid);
  }
  return null;
}
