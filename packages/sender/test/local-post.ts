import type { Socket } from 'node:net';
import { afterEach } from 'vitest';
import { newSecret } from './new-secret.js';
import { policyOf } from './policy.js';
import { openSender, type PostRequest, type Sender, type SenderOptions } from '../src/index.js';
import {
  responseBytes,
  openRawEndpoint,
  type OnRequest,
  type RawEndpoint,
  type RawEndpointOptions,
} from './raw-endpoint.js';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

export const SECRET = newSecret();
export const BODY = Buffer.from('{"event":"message:created","payload":{"body":"Hey ☃"}}');

/** An endpoint that is closed after the test. */
export async function endpoint(onRequest: OnRequest, options?: RawEndpointOptions): Promise<RawEndpoint> {
  const opened = await openRawEndpoint(onRequest, options);
  cleanUps.push(() => opened.close());
  return opened;
}

/** A sender with this allow list. It is closed after the test, before the endpoints. */
export function sender(allow: string, options: Partial<SenderOptions> = {}): Sender {
  const opened = openSender({ policy: policyOf({ allow }), userAgent: 'Posthorn/1.2.3', ...options });
  cleanUps.unshift(() => opened.close());
  return opened;
}

export function to(url: string, more: Partial<PostRequest> = {}): PostRequest {
  return { url, webhookId: 'evt_01', body: BODY, secrets: [SECRET], headers: {}, timeoutMs: 5_000, ...more };
}

/** Posts once to an endpoint that handles every request with `onRequest`. */
export async function postTo(onRequest: OnRequest, more: Partial<PostRequest> = {}) {
  const { url, port, requests, sockets } = await endpoint(onRequest);
  return { result: await sender('127.0.0.1,localhost').post(to(url, more)), port, requests, sockets };
}

/** Responds to every request with these bytes. */
export function respondWith(bytes: string | Buffer = responseBytes(200)): OnRequest {
  return (socket: Socket) => socket.write(bytes);
}

/** undici returns a connection to the pool one turn of the event loop after its response; an earlier post opens
 *  another. */
export async function backInPool(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
}
