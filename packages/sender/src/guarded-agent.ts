import { Agent, Client, Pool, type Dispatcher } from 'undici';
import type { Connection, GuardedConnect } from './guarded-connect.js';
import { MAX_RAW_BYTES } from './scan-response.js';

const KEEP_ALIVE_MS = 4_000; // below the 5 s after which common servers close: the less often both act at once, the better
const MAX_CONNECTION_AGE_MS = 60_000; // then the name is resolved, and judged, anew
const PIPELINING = 1; // one request at a time per socket, so a request and its connection belong together

/** The one socket a post may be written to: null until the first is being opened, replaced when it had to be opened again. */
export type Line = { connection: Connection | null };

/** What a dispatch on the agent needs: `attach` is told, synchronously, which line the request goes over. */
export type LineOptions = Dispatcher.DispatchOptions & { attach: (line: Line) => void };

/** An agent whose sockets all come from `connect`. Pools have no bound, so nothing ever waits in a queue of undici's, where no
 *  timeout would reach it; how much is sent at a time is decided by the caller. undici's timeouts are off: the post's one deadline
 *  covers everything. Redirects and proxies from the environment are not followed. */
export function openGuardedAgent(connect: GuardedConnect): Agent {
  return new Agent({
    factory: (origin) =>
      new Pool(origin, {
        // Never called: it keeps the pool from building a connector, unguarded and with a session cache, for every origin.
        connect: (_options, callback) => callback(new Error('A client brings its own connector'), null),
        factory: (clientOrigin) => new LineClient(clientOrigin, connect),
      }),
  });
}

class LineClient extends Client {
  readonly #line: Line;

  constructor(origin: URL, connect: GuardedConnect) {
    const line: Line = { connection: null };
    super(origin, {
      connect: (options, callback) => {
        line.connection = connect(options, callback);
      },
      pipelining: PIPELINING,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS, // a receiver's own Keep-Alive header may shorten it, never lengthen
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: MAX_RAW_BYTES, // never reached: past its limit undici parses on and makes an error per header
    });
    this.#line = line;
  }

  override dispatch(options: LineOptions, handler: Dispatcher.DispatchHandler): boolean {
    options.attach(this.#line);
    const { connection } = this.#line;
    const old = connection?.state === 'open' && performance.now() - connection.startedAt > MAX_CONNECTION_AGE_MS;
    return super.dispatch(old ? { ...options, reset: true } : options, handler);
  }
}
