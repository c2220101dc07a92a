import { copyFileSync, openSync, statSync, truncateSync } from 'node:fs';

const maxBytes = 20 * 1024 * 1024;

/** Opens a new log file that a child writes to directly, without a pipe. Beyond about 20 MiB the content moves to `<file>.1` and the
 *  file is emptied; lines written at that moment are lost. */
export function openLog(file: string): number {
  const descriptor = openSync(file, 'a', 0o600); // append, so that the child continues at the start after the file was emptied
  truncateSync(file);
  setInterval(() => {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) < maxBytes) return;
    copyFileSync(file, `${file}.1`);
    truncateSync(file);
  }, 10_000).unref();
  return descriptor;
}
