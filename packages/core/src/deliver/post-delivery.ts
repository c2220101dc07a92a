import { setTimeout as pause } from 'node:timers/promises';
import type { PostRequest, PostResult } from '@posthorn/sender';
import type { Cipher } from '../cipher.js';
import { type LoadedDelivery, isUrgent } from '../deliveries/delivery.js';
import { openAccess } from '../secrets/own-access.js';
import { openHeaders } from '../secrets/own-headers.js';

export interface PostingOptions {
  post: (request: PostRequest) => Promise<PostResult>;
  cipher: Cipher;
  random: () => number;
}

/** The record of a timeout is delayed by up to this share of the timeout. */
const TIMEOUT_JITTER = 0.05;

/** Makes one POST of a delivery, with its secrets, headers and authentication decrypted. `eventId` becomes the `webhook-id`.
 *  `timeoutMs` limits the whole attempt, the response's body included.
 *  Throws if they cannot be decrypted. A failure of the endpoint is a result.
 *  Attempts that time out together would all be recorded at once and delay new ones. So after a timeout it waits for
 *  up to 5 % of the timeout, unless a person waits for the attempt. */
export async function postDelivery(
  { post, cipher, random }: PostingOptions,
  delivery: LoadedDelivery,
  {
    eventId,
    timeoutMs,
    signal,
    traceparent,
  }: { eventId: string; timeoutMs: number; signal: AbortSignal; traceparent?: string | undefined },
): Promise<PostResult> {
  const { subscriptionId } = delivery;
  const result = await post({
    url: delivery.url,
    webhookId: eventId,
    body: delivery.body,
    secrets: delivery.secretsSealed.map((sealed) => cipher.open(sealed, `secret:${subscriptionId}`)),
    headers: openHeaders({ cipher }, subscriptionId, delivery.headersSealed),
    access: openAccess({ cipher }, subscriptionId, delivery),
    traceparent,
    timeoutMs,
    signal,
  });
  if (result.outcome === 'timeout' && !isUrgent(delivery.requestedTrigger))
    await pause(timeoutMs * TIMEOUT_JITTER * random(), undefined, { signal }).catch(() => {});
  return result;
}
