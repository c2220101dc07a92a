import { commandOf, isAlive, markOf, parentOf } from '@posthorn/embedded';

/** Calls back once when the npm that runs us is gone: a killed npm tells nobody. Between it and us there may be a shell,
 *  which may be gone first. */
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
