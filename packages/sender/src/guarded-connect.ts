import { isIP, type LookupFunction, Socket } from 'node:net';
import { buildConnector } from 'undici';
import { permits, type AddressPolicy } from './address-policy.js';
import { boundReads, type BeginResponse } from './bound-reads.js';
import { asConnectFailure, ConnectFailure } from './connect-failure.js';
import { guardLookup, type Allows } from './guarded-lookup.js';
import type { Resolve } from './resolver.js';

const ATTEMPT_TIMEOUT_MS = 1_500; // per address of a name; Node's own 250 ms gives up on receivers on another continent
const MAX_TLS_SESSIONS = 2_000;

/** One TCP (and TLS) connection, from the start of resolving its name; what is not known yet, or was not needed, is null. */
export type Connection = {
  state: 'resolving' | 'connecting' | 'securing' | 'open' | 'failed';
  startedAt: number; // performance.now()
  dnsMs: number | null;
  connectMs: number | null;
  tlsMs: number | null;
  remoteAddress: string | null; // only ever one that passed the rules
  posts: number; // how many were written to it
  /** What the socket reported first: the cause. undici reports what came last, for an alert of TLS 1.3 that the connection ended. */
  error: Error | null;
  /** Starts the limits of the next response; null while nothing can be read from it. */
  beginResponse: BeginResponse | null;
  /** Gives up on a connection that is not open yet. */
  cancel: () => void;
  /** Ends it at once, open or not. undici then forgets the request under way; after an abort of its own it would connect again. */
  destroy: () => void;
};

export type GuardedConnect = (options: buildConnector.Options, callback: buildConnector.Callback) => Connection;

/** Makes the function that opens every socket of a sender. It connects only to addresses that the policy allows, judged in the
 *  connection that is used: literals before connecting (Node calls no look-up for them), every answer of a name, and the peer's
 *  address once connected. TLS is verified, 1.2 or newer. It calls back exactly once: with an open socket, or with a
 *  ConnectFailure, at the latest after `timeoutMs`. */
export function guardConnections({
  policy,
  resolve,
  timeoutMs,
}: {
  policy: AddressPolicy;
  resolve: Resolve;
  timeoutMs: number;
}): GuardedConnect {
  const allows: Allows = (address, name) => permits(policy, address, name);

  const connect = makeConnector(guardLookup(resolve, allows));

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
    // undici's types do not say so, but its connector returns the socket, which alone tells where the time goes.
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

/** One for all origins: thousands of them share its TLS sessions and its memory. */
const makeConnector = (lookup: LookupFunction): buildConnector.connector =>
  buildConnector({
    timeout: 0, // guardConnections' own knows what it was waiting for, and is exact
    lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS,
    maxCachedSessions: MAX_TLS_SESSIONS,
    rejectUnauthorized: true, // said aloud, it outranks NODE_TLS_REJECT_UNAUTHORIZED=0
    minVersion: 'TLSv1.2',
  });

/** Keeps the state and the timings of a connection up to date until it is open. */
function followSocket(
  connection: Connection,
  socket: Socket,
  { endPhase, isSecure }: { endPhase: () => number; isSecure: boolean },
): void {
  socket.once('error', (error) => {
    connection.error = error;
  });
  // Emitted per address, all at once.
  socket.once('lookup', () => {
    connection.dnsMs = endPhase();
    connection.state = 'connecting';
  });
  // Prepended: undici's listener is there already, and what it calls reads these.
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

/** Each call returns the milliseconds since the one before. */
function stopwatch(startedAt: number): () => number {
  let before = startedAt;
  return () => {
    const now = performance.now();
    const tookMs = now - before;
    before = now;
    return tookMs;
  };
}
