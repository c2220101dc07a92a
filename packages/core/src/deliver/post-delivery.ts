import { setTimeout as pause } from 'node:timers/promises';
import type { PostRequest, PostResult } from '@posthorn/sender';
import type { Cipher } from '../cipher.js';
import { type LoadedDelivery, isUrgent } from '../deliveries/delivery.js';
import { openHeaders } from '../secrets/own-headers.js';

export interface PostingOptions {
  post: (request: PostRequest) => Promise<PostResult>;
  cipher: Cipher;
  /** The whole attempt, the response's body included. */
  timeoutMs: number;
  random: () => number;
}

/** A timeout is recorded later by up to this share of the deadline. */
const ENDS_APART = 0.05;

/** Makes one POST of a delivery, with its secrets and headers opened. `eventId` becomes the `webhook-id`. Throws if they
 *  cannot be opened; what the endpoint does is a result.
 *  Attempts that time out together would all be recorded at once, and hold up what is new. So each waits a little, by
 *  chance, unless a person waits for it. */
export async function postDelivery(
  { post, cipher, timeoutMs, random }: PostingOptions,
  delivery: LoadedDelivery,
  { eventId, signal }: { eventId: string; signal: AbortSignal },
): Promise<PostResult> {
  const { subscriptionId } = delivery;
  const result = await post({
    url: delivery.url,
    webhookId: eventId,
    body: delivery.body,
    secrets: delivery.secretsSealed.map((sealed) => cipher.open(sealed, `secret:${subscriptionId}`)),
    headers: openHeaders({ cipher }, subscriptionId, delivery.headersSealed),
    timeoutMs,
    signal,
  });
  if (result.outcome === 'timeout' && !isUrgent(delivery.askedTrigger))
    await pause(timeoutMs * ENDS_APART * random(), undefined, { signal }).catch(() => {});
  return result;
}
