import type { Socket } from 'node:net';
import { scanResponse, type ReadLimit, type ResponseScan } from './scan-response.js';

const TLS_WORK_BYTES = 4 * 1024; // servers send up to four tickets, and rarely renegotiate once

/** Starts to read the next response from a socket. Calls `onLimit` once if the response passes a limit, after undici has parsed
 *  what came before; the socket is destroyed right after that. */
export type BeginResponse = (onLimit: (limit: ReadLimit) => void) => ResponseScan;

/** Bounds how much is read from a socket per response, whatever HTTP makes of it, and hides interim responses from the parser.
 *  What comes between two responses counts to the first of them. Works for TCP and TLS sockets: Node hands every piece of data
 *  that a socket receives to its `push`. */
export function boundReads(socket: Socket): BeginResponse {
  let scan = scanResponse();
  let onLimit: (limit: ReadLimit) => void = () => {};
  const push = socket.push.bind(socket);

  function endAtLimit(): boolean {
    const { limit } = scan;
    if (limit === null) return false;
    // What undici takes now must not make Node read on.
    // oxlint-disable-next-line no-underscore-dangle -- the method's name in node:stream
    socket._read = () => {};
    // First undici reads what has just been pushed: it may hold the status, or be no HTTP at all.
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
  // TLS work that the endpoint causes and Node counts nowhere: a renegotiation (TLS 1.2) and a session ticket.
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
