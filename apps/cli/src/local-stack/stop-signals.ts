import { isRunByNpm } from '../env.js';
import { watchNpm } from './watch-npm.js';

/** Aborts when the stack must stop: Ctrl-C, SIGTERM, a closed terminal, the end of the npm that runs it. A second request more than
 *  a second later calls `onForce`. (An earlier one is the same request: npm passes on the Ctrl-C that the terminal also sends
 *  here.) */
export function listenForStop(onForce: () => void): AbortSignal {
  const stop = new AbortController();
  let firstAt = 0;
  const ask = () => {
    if (!stop.signal.aborted) {
      firstAt = Date.now();
      stop.abort();
    } else if (Date.now() - firstAt > 1000) onForce();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask);
  if (isRunByNpm()) watchNpm(ask);
  return stop.signal;
}
