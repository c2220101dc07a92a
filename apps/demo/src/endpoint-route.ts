import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Keyring } from './keyring.js';
import { type ResponseMode, checkSignature, decideResponse, readEvent, type Signature } from './endpoint.js';
import type { RequestLog } from './request-log.js';

type EndpointDeps = { keyring: Keyring; requestLog: RequestLog; mode: () => ResponseMode };

/** The webhook endpoint: POST /webhook. Verifies the signature of the raw bytes and responds according to the mode. */
export function addEndpoint(app: FastifyInstance, { keyring, requestLog, mode }: EndpointDeps): void {
  // A slow response must not delay the shutdown.
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());

  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 1024 * 1024 }, (_request, body, done) =>
      done(null, body),
    );

    scope.post<{ Body: Buffer | null }>('/webhook', async (request, reply) => {
      const atMs = performance.now();
      const rawBody = request.body ?? Buffer.alloc(0);
      const signature = await checkWithNewSecrets(keyring, request.headers, rawBody);
      const webhookId = request.headers['webhook-id'];
      const received = requestLog.add({
        atMs,
        event: readEvent(rawBody).event,
        webhookId: typeof webhookId === 'string' ? webhookId : null,
        signature: signature.valid ? 'valid' : 'invalid',
        signatureReason: signature.valid ? null : signature.reason,
        bytes: rawBody.length,
        body: rawBody.toString('utf8').slice(0, 4000),
      });

      const response = decideResponse({ signature, rawBody, mode: mode() });
      const hungUp = new AbortController();
      reply.raw.once('close', () => hungUp.abort());
      const signal = AbortSignal.any([hungUp.signal, closing.signal]);
      await sleep(response.delayMs, undefined, { signal }).catch(() => undefined);

      const durationMs = Math.round(performance.now() - atMs);
      if (hungUp.signal.aborted) requestLog.end(received, { state: 'hung_up', statusCode: null, durationMs });
      else requestLog.end(received, { state: 'responded', statusCode: response.status, durationMs });
      return reply.code(response.status).type(response.contentType).send(response.body);
    });
  });
}

/** If no known secret matches, the subscription may be new (its verification comes before its secret is known) or its secret rotated.
 *  So this reads the secrets again, once. */
async function checkWithNewSecrets(
  keyring: Keyring,
  headers: IncomingHttpHeaders,
  rawBody: Buffer,
): Promise<Signature> {
  const signature = checkSignature(keyring.secrets(), headers, rawBody);
  if (signature.valid || headers['webhook-signature'] === undefined) return signature;
  try {
    await keyring.refresh();
  } catch {
    return { valid: false, reason: 'the secret could not be read from the API' };
  }
  return checkSignature(keyring.secrets(), headers, rawBody);
}
