import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A request as it arrived. */
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

/** The response to a request: a status · status, headers and body, after an optional delay · `never` (the connection stays open
 *  without a response) · `close` (the connection is cut without a response) · `raw` (these bytes, then the end) · or the result
 *  of a function of the request. */
export type ScriptedResponse =
  | number
  | { status?: number; headers?: Record<string, string>; body?: string | Uint8Array; delayMs?: number }
  | { raw: string | Uint8Array; delayMs?: number }
  | 'never'
  | 'close'
  | ((request: Received) => ScriptedResponse | Promise<ScriptedResponse>);

export interface Endpoint {
  /** http://127.0.0.1:<port>/webhook */
  readonly url: string;
  /** All requests, including handshakes, in order of arrival; recorded before the response. */
  readonly requests: Received[];
  /** The requests that are not handshakes. */
  readonly events: Received[];
  /** Connections accepted so far. */
  readonly connectionCount: number;
  /** Sets the responses to the next events, in order; the last one repeats. */
  respondWith(...script: ScriptedResponse[]): void;
  /** The same for handshakes. Default: echoes the challenge. */
  respondToHandshakeWith(...script: ScriptedResponse[]): void;
  /** Cuts all connections and frees the port. */
  close(): Promise<void>;
}

/** A real webhook endpoint on 127.0.0.1 with scripted responses. Default: echoes handshakes and returns 200 to other requests. */
export async function openEndpoint(options: { port?: number } = {}): Promise<Endpoint> {
  const requests: Received[] = [];
  let eventScript: ScriptedResponse[] = [200];
  let handshakeScript: ScriptedResponse[] = [echo];
  let connectionCount = 0;

  const server = createServer((request, response) => {
    void record(request).then((received) => {
      requests.push(received);
      const script = received.challenge === null ? eventScript : handshakeScript;
      const scripted = (script.length > 1 ? script.shift() : script[0]) ?? 200;
      return give(scripted, received, response);
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
    respondWith: (...script) => void (eventScript = script),
    respondToHandshakeWith: (...script) => void (handshakeScript = script),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const echo: ScriptedResponse = ({ challenge }) => ({
  headers: { 'content-type': 'text/plain' },
  body: challenge ?? '',
});

async function give(scripted: ScriptedResponse, received: Received, response: ServerResponse): Promise<void> {
  if (typeof scripted === 'function') return give(await scripted(received), received, response);
  if (scripted === 'never') return;
  if (scripted === 'close') return void response.socket?.destroy();
  if (typeof scripted === 'number') return void response.writeHead(scripted).end();
  if (scripted.delayMs) await delay(scripted.delayMs);
  if ('raw' in scripted) return void response.socket?.end(scripted.raw);
  response.writeHead(scripted.status ?? 200, scripted.headers).end(scripted.body);
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
    return null; // not JSON: an ordinary event here
  }
}

// A sender that disconnects during its request is not an error here.
function ignoreHangUp(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
}
