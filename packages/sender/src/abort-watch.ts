const watched = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls back when the signal fires; returns how to stop waiting. A signal gets one listener however many posts share it:
 *  a listener each makes Node warn of a leak from the eleventh on, and search a list at every removal. */
export function watchAbort(signal: AbortSignal, onAbort: () => void): () => void {
  const waiting = watched.get(signal) ?? startWatching(signal);
  waiting.add(onAbort);
  return () => waiting.delete(onAbort);
}

function startWatching(signal: AbortSignal): Set<() => void> {
  const waiting = new Set<() => void>();
  watched.set(signal, waiting);
  const tellAll = () => {
    for (const onAbort of waiting) onAbort();
  };
  signal.addEventListener('abort', tellAll, { once: true });
  return waiting;
}
