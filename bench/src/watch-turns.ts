import { openSync, readSync } from 'node:fs';

// Preloaded into an API process (`--import`). While it watches, each turn of the event loop requests the next one and
// reads the CPU that the main thread has used meanwhile. So it finds the longest turn, even on a busy machine.
const stat = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r'); // proc(5): first the CPU time, in nanoseconds
const text = Buffer.alloc(64);
let isWatching = false;
let longestNs = 0;
let lastNs = 0;

function usedNs(): number {
  const length = readSync(stat, text, 0, text.length, 0);
  return Number(text.toString('latin1', 0, length).split(' ', 1)[0]);
}

function watch(): void {
  if (!isWatching) return;
  const now = usedNs();
  longestNs = Math.max(longestNs, now - lastNs);
  lastNs = now;
  setImmediate(watch);
}

process.on('message', (message) => {
  if (message === 'watch') {
    isWatching = true;
    longestNs = 0;
    lastNs = usedNs();
    setImmediate(watch);
  } else if (message === 'report') {
    isWatching = false;
    process.send?.({ longestMs: longestNs / 1e6 });
  }
});
process.channel?.unref(); // a listener would keep the process alive
