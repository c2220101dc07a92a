import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EXIT, PlainError } from '../plain-error.js';
import type { ListenAddress } from './limits.js';

/** The endpoints of a load test. */
export interface Sink {
  /** Where it listens, such as http://127.0.0.1:41234. */
  origin: string;
  /** The path of a subscription's endpoint. Contains a random part, so that nobody else can send to it. */
  pathOf(subscription: number): string;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 262_144;

/** Passes handshakes, and returns 200 to events as soon as the body has arrived. Reports each with its `webhook-id`, the event's id. Other
 *  paths are a 404. */
export async function openSink(
  { host, port }: ListenAddress,
  onEvent: (eventId: string, subscription: number) => void,
): Promise<Sink> {
  const secret = randomBytes(12).toString('hex');
  const server = createServer((request, response) => {
    const [, given, subscription] = /^\/([\da-f]+)\/(\d+)$/.exec(request.url ?? '') ?? [];
    const eventId = request.headers['webhook-id'];
    if (request.method !== 'POST' || given !== secret || typeof eventId !== 'string') {
      request.resume();
      return void response.writeHead(404).end();
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('error', () => {}); // the worker was stopped
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) return void request.destroy();
      chunks.push(chunk);
    });
    request.on('end', () => {
      const challenge = /^\{"event":"webhook:verify","payload":"(\w+)"\}$/.exec(Buffer.concat(chunks).toString())?.[1];
      if (challenge === undefined) onEvent(eventId, Number(subscription));
      response.writeHead(200, { 'content-type': 'text/plain' }).end(challenge ?? 'ok');
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new PlainError(`The sink cannot listen at ${host}:${port} (${error.code ?? error.message}).`, {
          fix: 'Choose another address or port: --sink-listen 127.0.0.1:0 takes a free port.',
          exitCode: EXIT.usage,
          cause: error,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    origin: `http://${name}:${(server.address() as AddressInfo).port}`,
    pathOf: (subscription) => `/${secret}/${subscription}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
