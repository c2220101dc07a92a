import type { Socket } from 'node:net';
import { scanResponse, type ReadLimit, type ResponseScan } from './scan-response.js';

const TLS_WORK_BYTES = 4 * 1024; // normal servers send up to four tickets and renegotiate at most once

/** Starts to read the next response from a socket. Calls `onLimit` once if the response exceeds a limit, after
 *  undici has parsed what came before. The socket is destroyed right after that. */
export type BeginResponse = (onLimit: (limit: ReadLimit) => void) => ResponseScan;

/** Bounds how much is read from a socket per response, independent of HTTP, and hides interim responses from the
 *  parser. Data between two responses counts towards the first one. Works for TCP and TLS sockets, because Node
 *  passes all received data to `push`. */
export function boundReads(socket: Socket): BeginResponse {
  let scan = scanResponse();
  let onLimit: (limit: ReadLimit) => void = () => {};
  const push = socket.push.bind(socket);

  function endAtLimit(): boolean {
    const { limit } = scan;
    if (limit === null) return false;
    // Reading buffered data must not make Node read more.
    // oxlint-disable-next-line no-underscore-dangle -- the method's name in node:stream
    socket._read = () => {};
    // Let undici first read what was just pushed: it may contain the status, or not be HTTP at all.
    setImmediate(() => {
      onLimit(limit);
      socket.destroy();
    });
    return true;
  }

  socket.push = (chunk: Buffer | null) => {
    if (chunk === null) {
      const held = scan.end();
      if (held.length > 0) push(held);
      return push(null);
    }
    if (scan.limit !== null) return false;
    const wantsMore = push(scan.take(chunk));
    return !endAtLimit() && wantsMore;
  };
  // TLS work that the endpoint causes and that Node does not count: a renegotiation (TLS 1.2) and session tickets.
  const charge = () => {
    if (scan.limit !== null) return;
    scan.charge(TLS_WORK_BYTES);
    endAtLimit();
  };
  socket.on('secure', charge);
  socket.on('session', charge);

  return (listener) => {
    onLimit = listener;
    scan = scanResponse();
    return scan;
  };
}
