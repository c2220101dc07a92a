const watched = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `onAbort` when the signal fires. Returns a function that stops waiting.
 *  All posts share one listener per signal. With one listener each, Node warns of a leak from the eleventh on and
 *  searches a list for every removal. */
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
