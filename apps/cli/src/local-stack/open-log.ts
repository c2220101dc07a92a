import { copyFileSync, openSync, statSync, truncateSync } from 'node:fs';

const maxBytes = 20 * 1024 * 1024;

/** A fresh log file for a child to write to directly, without a pipe through us. It never grows much beyond 20 MiB: then
 *  it moves to `<file>.1` and begins anew, which costs whatever is written in that very moment. */
export function openLog(file: string): number {
  const descriptor = openSync(file, 'a', 0o600); // appending: after the cut the child's next line lands at the beginning
  truncateSync(file);
  setInterval(() => {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) < maxBytes) return;
    copyFileSync(file, `${file}.1`);
    truncateSync(file);
  }, 10_000).unref();
  return descriptor;
}
