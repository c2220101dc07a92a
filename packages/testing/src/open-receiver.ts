import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** One request as it came in. */
export interface Received {
  method: string;
  /** With the query. */
  path: string;
  headers: Record<string, string>;
  rawBody: Buffer;
  /** The challenge, if this was the handshake. */
  challenge: string | null;
  at: Date;
}

/** How a request is answered: a status · status, headers and body, after a while if need be · `never` (the connection stays
 *  open without a word) · `close` (the connection is cut without an answer) · `raw` (these bytes, then the end) · or what a
 *  function makes of the request. */
export type Answer =
  | number
  | { status?: number; headers?: Record<string, string>; body?: string | Uint8Array; delayMs?: number }
  | { raw: string | Uint8Array; delayMs?: number }
  | 'never'
  | 'close'
  | ((request: Received) => Answer | Promise<Answer>);

export interface Receiver {
  /** http://127.0.0.1:<port>/webhook */
  readonly url: string;
  /** All that came in, handshakes too, in order of arrival; recorded before they are answered. */
  readonly requests: Received[];
  /** Those that are no handshakes. */
  readonly events: Received[];
  /** Connections accepted so far. */
  readonly connectionCount: number;
  /** From now on events are answered so, one after the other; the last answer goes on for ever. */
  answer(...script: Answer[]): void;
  /** The same for handshakes. Unless told otherwise they are answered by echoing the challenge. */
  answerHandshake(...script: Answer[]): void;
  /** Cuts all connections and gives the port back. */
  close(): Promise<void>;
}

/** A real webhook receiver on 127.0.0.1 that does as it is told. Untold, it echoes handshakes and answers 200 to the rest. */
export async function openReceiver(options: { port?: number } = {}): Promise<Receiver> {
  const requests: Received[] = [];
  let eventScript: Answer[] = [200];
  let handshakeScript: Answer[] = [echo];
  let connectionCount = 0;

  const server = createServer((request, response) => {
    void record(request).then((received) => {
      requests.push(received);
      const script = received.challenge === null ? eventScript : handshakeScript;
      const answer = (script.length > 1 ? script.shift() : script[0]) ?? 200;
      return give(answer, received, response);
    }, ignoreHangUp);
  });
  server.on('connection', () => connectionCount++);
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    requests,
    get events() {
      return requests.filter(({ challenge }) => challenge === null);
    },
    get connectionCount() {
      return connectionCount;
    },
    answer: (...script) => void (eventScript = script),
    answerHandshake: (...script) => void (handshakeScript = script),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const echo: Answer = ({ challenge }) => ({ headers: { 'content-type': 'text/plain' }, body: challenge ?? '' });

async function give(answer: Answer, received: Received, response: ServerResponse): Promise<void> {
  if (typeof answer === 'function') return give(await answer(received), received, response);
  if (answer === 'never') return;
  if (answer === 'close') return void response.socket?.destroy();
  if (typeof answer === 'number') return void response.writeHead(answer).end();
  if (answer.delayMs) await delay(answer.delayMs);
  if ('raw' in answer) return void response.socket?.end(answer.raw);
  response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
}

async function record(request: IncomingMessage): Promise<Received> {
  const at = new Date();
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const rawBody = Buffer.concat(chunks);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers,
    rawBody,
    challenge: challengeIn(rawBody),
    at,
  };
}

function challengeIn(rawBody: Buffer): string | null {
  try {
    const { event, payload } = JSON.parse(rawBody.toString()) as { event?: unknown; payload?: unknown };
    return event === 'webhook:verify' && typeof payload === 'string' ? payload : null;
  } catch {
    return null; // no JSON: an event like any other to a receiver that only records
  }
}

// A sender that hangs up in the middle of its request is no fault of the receiver.
function ignoreHangUp(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
}
