import { ApiProblem, ApiUnreachable } from './errors.js';
import { parseStream } from './parse-stream.js';
import type { Routes } from './routes.js';
import { sleep } from './send.js';
import type { Attempt, Delivery } from './types.js';

type About = 'accountId' | 'subscriptionId' | 'eventId' | 'event' | 'status';

export type FollowedDelivery = Pick<Delivery, About | 'id' | 'createdAt'>;

/** `status` is that of the delivery. */
export type FollowedAttempt = Pick<Delivery, About> &
  Pick<Attempt, 'id' | 'number' | 'trigger' | 'outcome' | 'statusCode' | 'durationMs' | 'startedAt'> & {
    deliveryId: string;
  };

export type Followed =
  | { type: 'delivery'; delivery: FollowedDelivery }
  | { type: 'attempt'; attempt: FollowedAttempt }
  /** Posthorn skipped this many, because too many happened at once. null: unknown. The lists have all of them. */
  | { type: 'skipped'; count: number | null };

export interface FollowOptions {
  /** Only these subscriptions. */
  subscription?: string | string[] | undefined;
  /** The id of a delivery or an attempt: continue after it. Default: start now. */
  after?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Follows a stream of the API. After a disconnect it continues where it was; some items may then repeat. Throws ApiProblem when Posthorn
 *  refuses to continue, for example since the key was revoked. */
export async function* follow(
  routes: Routes,
  account: string | null,
  { subscription, after, signal }: FollowOptions = {},
): AsyncGenerator<Followed, void> {
  let lastId = after;
  for (let waitMs = 0; ; waitMs = Math.min(Math.max(2 * waitMs, FIRST_WAIT_MS), LONGEST_WAIT_MS)) {
    await sleep(waitMs, signal).catch(() => {});
    if (signal?.aborted) return;
    const connection = openConnection(signal);
    try {
      const query = subscription === undefined ? {} : { subscription };
      const header = lastId === undefined ? {} : { 'Last-Event-Id': lastId };
      const { signal: whileConnected } = connection;
      const { response } =
        account === null
          ? await routes.GET('/v1/stream', { params: { query, header }, signal: whileConnected })
          : await routes.GET('/v1/accounts/{account}/stream', {
              params: { path: { account }, query, header },
              signal: whileConnected,
            });
      if (!response.body) return;
      for await (const message of parseStream(response.body, connection.heard)) {
        waitMs = 0;
        lastId = message.id ?? lastId;
        const item = itemOf(message.event, message.data);
        if (item) yield item;
      }
    } catch (error) {
      if (error instanceof ApiProblem && error.status !== 429 && error.status < 500) throw error;
      if (!(error instanceof ApiProblem) && !(error instanceof ApiUnreachable) && !isDisconnect(error)) throw error;
    } finally {
      connection.close();
    }
  }
}

function itemOf(event: string, data: string): Followed | null {
  const value = JSON.parse(data);
  if (event === 'delivery') return { type: 'delivery', delivery: value };
  if (event === 'attempt') return { type: 'attempt', attempt: value };
  if (event === 'skipped') return { type: 'skipped', count: value.count };
  return null; // of a later version
}

/** A signal that ends with the caller's, on `close`, and when nothing was heard for too long: Posthorn sends something every 15 s. */
function openConnection(signal: AbortSignal | undefined) {
  const controller = new AbortController();
  const close = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', close);
    controller.abort();
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  signal?.addEventListener('abort', close);
  return {
    signal: controller.signal,
    close,
    heard: () => {
      clearTimeout(timer);
      timer = setTimeout(close, SILENCE_MS);
    },
  };
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;
const SILENCE_MS = 45_000;

/** Whether the connection ended during the response: a TypeError in most runtimes, an AbortError after `close`. */
const isDisconnect = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof Error && (error.name === 'AbortError' || 'code' in error));
