import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Keyring } from './keyring.js';
import { type AnswerMode, checkSignature, decideAnswer, readEvent, type Signature } from './receiver.js';
import type { ReceiverLog } from './receiver-log.js';

type ReceiverDeps = { keyring: Keyring; receiverLog: ReceiverLog; mode: () => AnswerMode };

/** The webhook receiver: POST /webhook. Takes the bytes as they come, checks who signed them, and answers as told. */
export function addReceiver(app: FastifyInstance, { keyring, receiverLog, mode }: ReceiverDeps): void {
  // A slow answer must not hold up the end of the process.
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
      const received = receiverLog.add({
        atMs,
        event: readEvent(rawBody).event,
        webhookId: typeof webhookId === 'string' ? webhookId : null,
        signature: signature.valid ? 'valid' : 'invalid',
        signatureReason: signature.valid ? null : signature.reason,
        bytes: rawBody.length,
        body: rawBody.toString('utf8').slice(0, 4000),
      });

      const answer = decideAnswer({ signature, rawBody, mode: mode() });
      const hungUp = new AbortController();
      reply.raw.once('close', () => hungUp.abort());
      const signal = AbortSignal.any([hungUp.signal, closing.signal]);
      await sleep(answer.delayMs, undefined, { signal }).catch(() => undefined);

      const durationMs = Math.round(performance.now() - atMs);
      if (hungUp.signal.aborted) receiverLog.end(received, { state: 'hung_up', statusCode: null, durationMs });
      else receiverLog.end(received, { state: 'answered', statusCode: answer.status, durationMs });
      return reply.code(answer.status).type(answer.contentType).send(answer.body);
    });
  });
}

/** A signature that fits none of the known secrets may be of a subscription made a moment ago (its handshake comes before
 *  anyone could tell us the secret), or of one just rotated: then the secrets are read anew, once. */
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
    return { valid: false, reason: 'the API could not be asked for the secret' };
  }
  return checkSignature(keyring.secrets(), headers, rawBody);
}
