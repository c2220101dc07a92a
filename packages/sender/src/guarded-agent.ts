import { Agent, Client, Pool, type Dispatcher } from 'undici';
import type { Connection, GuardedConnect } from './guarded-connect.js';
import { MAX_RAW_BYTES } from './scan-response.js';

const KEEP_ALIVE_MS = 4_000; // below the 5 s after which common servers close, so both sides rarely act at once
const MAX_CONNECTION_AGE_MS = 60_000; // then the name is resolved and checked again
const PIPELINING = 1; // one request at a time per socket, so that each request has its own connection

/** The socket that a post may be written to: null until the first one is being opened, replaced when it is opened
 *  again. */
export type Line = { connection: Connection | null };

/** Options of a dispatch on the agent. `attach` is called synchronously with the request's line. */
export type LineOptions = Dispatcher.DispatchOptions & { attach: (line: Line) => void };

/** An agent whose sockets all come from `connect`. Pools are unbounded, so no request waits in a queue of undici
 *  without a timeout; the caller decides how many are sent at once. undici's timeouts are off, because the post's
 *  timeout covers everything. Does not follow redirects or proxies of the environment. */
export function openGuardedAgent(connect: GuardedConnect): Agent {
  return new Agent({
    factory: (origin) =>
      new Pool(origin, {
        // Never called. It keeps the pool from creating an unguarded connector with a session cache for every origin.
        connect: (_options, callback) => callback(new Error('Each client has its own connector'), null),
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
      keepAliveMaxTimeout: KEEP_ALIVE_MS, // an endpoint's Keep-Alive header may shorten it but not extend it
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: MAX_RAW_BYTES, // never reached: beyond its limit undici goes on parsing and creates an error per header
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
