import { isIP, type LookupFunction, Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import { permits, type AddressPolicy } from './address-policy.js';
import { boundReads, type BeginResponse } from './bound-reads.js';
import { asConnectFailure, ConnectFailure } from './connect-failure.js';
import { guardLookup, type Allows } from './guarded-lookup.js';
import type { Resolve } from './resolver.js';

const ATTEMPT_TIMEOUT_MS = 1_500; // per address of a name; Node's default of 250 ms is too short for other continents
const MAX_TLS_SESSIONS = 2_000;

/** One TCP (and TLS) connection, from the start of resolving its name. null: not known yet, or not needed. */
export type Connection = {
  state: 'resolving' | 'connecting' | 'securing' | 'open' | 'failed';
  startedAt: number; // performance.now()
  dnsMs: number | null;
  connectMs: number | null;
  tlsMs: number | null;
  remoteAddress: string | null; // always an allowed one
  posts: number; // how many were written to it
  /** The first error of the socket, which is the cause. undici reports the last one; for an alert of TLS 1.3 that is
   *  only the end of the connection. */
  error: Error | null;
  /** Starts the limits of the next response; null before the connection can be read. */
  beginResponse: BeginResponse | null;
  /** Cancels a connection that is not open yet. */
  cancel: () => void;
  /** Ends the connection at once, open or not. undici then drops the running request; after its own abort it would
   *  connect again. */
  destroy: () => void;
};

export type GuardedConnect = (options: buildConnector.Options, callback: buildConnector.Callback) => Connection;

/** Creates the function that opens every socket of an agent. It connects only to addresses that the policy allows.
 *  It checks literals before connecting (Node calls no look-up for them), every address of a name, and the peer's
 *  address once connected. TLS is verified, 1.2 or newer. `secureContext`: what TLS presents and trusts; null: Node's
 *  default.
 *  It calls back exactly once, at the latest after `timeoutMs`: with an open socket or a ConnectFailure. */
export function guardConnections({
  policy,
  resolve,
  timeoutMs,
  secureContext = null,
}: {
  policy: AddressPolicy;
  resolve: Resolve;
  timeoutMs: number;
  secureContext?: SecureContext | null;
}): GuardedConnect {
  const allows: Allows = (address, name) => permits(policy, address, name);

  const connect = makeConnector(guardLookup(resolve, allows), secureContext);

  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    const name = isIP(host) === 0 ? host : null;
    const connection = startConnection(name === null ? 'connecting' : 'resolving');
    if (name === null && !allows(host, null)) {
      connection.state = 'failed';
      process.nextTick(callback, new ConnectFailure('blocked'), null);
      return connection;
    }

    const endPhase = stopwatch(connection.startedAt);
    const socket: unknown = connect(options, (error, opened) => {
      clearTimeout(timer);
      if (error === null && opened.remoteAddress !== undefined && allows(opened.remoteAddress, name)) {
        if (connection.state === 'securing') connection.tlsMs = endPhase();
        connection.remoteAddress = opened.remoteAddress;
        connection.state = 'open';
        return callback(null, opened);
      }
      const failure =
        error === null
          ? new ConnectFailure('blocked')
          : asConnectFailure(error, { securing: connection.state === 'securing' });
      connection.state = 'failed';
      opened?.destroy();
      return callback(failure, null);
    });
    // undici's connector returns the socket, although its types do not say so. Only the socket gives the timings.
    if (!(socket instanceof Socket)) throw new Error('undici returned no socket');
    connection.beginResponse = boundReads(socket);

    const timer = setTimeout(() => {
      const outcome = connection.state === 'resolving' ? 'dns_error' : 'timeout';
      socket.destroy(new ConnectFailure(outcome, 'ETIMEOUT'));
    }, timeoutMs);
    connection.destroy = () => void socket.destroy(new Error('The exchange has ended'));
    connection.cancel = () => {
      if (connection.state !== 'open') socket.destroy(new ConnectFailure('timeout'));
    };
    followSocket(connection, socket, { endPhase, isSecure: options.protocol === 'https:' });
    return connection;
  };
}

/** Shared by all origins of an agent, because thousands of them share its TLS sessions and memory. */
const makeConnector = (lookup: LookupFunction, secureContext: SecureContext | null): buildConnector.connector =>
  buildConnector({
    ...(secureContext && { secureContext }),
    timeout: 0, // guardConnections has its own, exact timeout and knows what it waited for
    lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS,
    maxCachedSessions: MAX_TLS_SESSIONS,
    rejectUnauthorized: true, // explicit, so that it overrides NODE_TLS_REJECT_UNAUTHORIZED=0
    minVersion: 'TLSv1.2',
  });

/** Updates the state and the timings of a connection until it is open. */
function followSocket(
  connection: Connection,
  socket: Socket,
  { endPhase, isSecure }: { endPhase: () => number; isSecure: boolean },
): void {
  socket.once('error', (error) => {
    connection.error = error;
  });
  // Emitted once per address, all at the same time.
  socket.once('lookup', () => {
    connection.dnsMs = endPhase();
    connection.state = 'connecting';
  });
  // Prepended, because undici's listener already exists and what it calls reads these values.
  socket.prependOnceListener('connect', () => {
    connection.connectMs = endPhase();
    if (isSecure) connection.state = 'securing';
  });
}

function startConnection(state: Connection['state']): Connection {
  return {
    state,
    startedAt: performance.now(),
    dnsMs: null,
    connectMs: null,
    tlsMs: null,
    remoteAddress: null,
    posts: 0,
    error: null,
    beginResponse: null,
    cancel: () => {},
    destroy: () => {},
  };
}

/** Each call returns the milliseconds since the last one. */
function stopwatch(startedAt: number): () => number {
  let before = startedAt;
  return () => {
    const now = performance.now();
    const tookMs = now - before;
    before = now;
    return tookMs;
  };
}
