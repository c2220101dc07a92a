import { isRunByNpm } from '../env.js';
import { watchNpm } from './watch-npm.js';

/** Aborts when the stack is to stop: Ctrl-C, SIGTERM, a closed terminal, the end of the npm that runs us. Whoever asks again
 *  more than a second later does not want to wait: `onForce`. (Sooner it is the same request: npm passes on a Ctrl-C that
 *  the terminal has sent to us as well.) */
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
