import { setTimeout as sleep } from 'node:timers/promises';
import { ApiProblem, ApiUnreachable, type Posthorn, PosthornError } from '@posthorn/client';
import type { FastifyBaseLogger } from 'fastify';
import type { Chat, ChatLine } from './chat.js';
import type { RequestLog } from './request-log.js';
import { activateSubscription } from './subscription.js';

type Delivered = { event: string; deliveryId: string; eventId: string; signature: 'valid'; ms: number };

/** The demo's progress to its first delivery.
 *
 *  connecting   the API is not responding yet
 *  subscribing  the account and the subscription exist, the verification is running
 *  sending      the greeting is published
 *  ready        the endpoint got it with a valid signature; the last step
 *
 *  `problem` says why a step has not finished. The demo retries, and the problem disappears when a retry succeeds. */
export type Progress = {
  step: 'connecting' | 'subscribing' | 'sending' | 'ready';
  problem: string | null;
  delivered: Delivered | null;
};

/** Makes the first delivery and retries after problems until `signal` aborts. Throws only for bugs. */
export async function makeFirstDelivery(options: {
  posthorn: Posthorn;
  account: string;
  endpointUrl: string;
  chat: Chat;
  requestLog: RequestLog;
  onProgress: (progress: Progress) => void;
  signal: AbortSignal;
  log: FastifyBaseLogger;
}): Promise<void> {
  const { posthorn, account, endpointUrl, chat, requestLog, onProgress, signal, log } = options;
  const beganAt = performance.now();
  let progress: Progress = { step: 'connecting', problem: null, delivered: null };
  const report = (change: Partial<Progress>): void => onProgress((progress = { ...progress, ...change }));

  let greeting: ChatLine | null = null;
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      report({ step: 'subscribing' });
      const late = setTimeout(() => report({ problem: NOT_VERIFIED }), LATE_MS);
      const activated = activateSubscription({ posthorn, account, endpointUrl, signal }).finally(() =>
        clearTimeout(late),
      );
      const { id: subscriptionId } = await activated;
      report({ step: 'sending', problem: null });
      const publishedAt = performance.now();
      if (greeting === null) greeting = await chat.greet(GREETING);
      else await chat.retry(greeting.id);
      if (greeting.handedOver.state !== 'accepted') throw new ApiUnreachable('The greeting was not published.');
      const { eventId } = greeting.handedOver;
      const received = await waitForReceipt(eventId);
      const deliveries = posthorn.deliveries.list(account, { event: eventId, subscription: subscriptionId });
      const [delivery] = await deliveries.take(1);
      const delivered: Delivered = {
        event: 'message:created',
        deliveryId: delivery?.id ?? 'unknown',
        eventId,
        signature: 'valid',
        ms: Math.round((received.atMs - publishedAt) * 10) / 10,
      };
      report({ step: 'ready', problem: null, delivered });
      return log.info(delivered, 'demo.delivered');
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof PosthornError)) throw error;
      const step = error instanceof ApiUnreachable && greeting === null ? 'connecting' : progress.step;
      report({ step, problem: describeProblem(error, performance.now() - beganAt) });
      log.info({ problem: error.message, failures }, 'demo.not_delivered_yet');
      await sleep(waitMs(error, failures), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Reports failed attempts while it waits, because a worker may block a URL that the API allowed. */
  async function waitForReceipt(eventId: string): Promise<{ atMs: number }> {
    const beganWaitingAt = performance.now();
    for (let askAt = beganWaitingAt + 1000; ; await sleep(10, undefined, { signal })) {
      const received = requestLog.entries().find((entry) => entry.webhookId === eventId && entry.signature === 'valid');
      if (received) return received;
      if (performance.now() < askAt) continue;
      const failure = await lastFailure(eventId);
      if (failure !== null) report({ problem: failure });
      else if (performance.now() - beganWaitingAt > LATE_MS) report({ problem: NOT_ARRIVED });
      askAt = performance.now() + 1000;
    }
  }

  async function lastFailure(eventId: string): Promise<string | null> {
    const [delivery] = await posthorn.deliveries.list(account, { event: eventId }).take(1);
    if (!delivery) return null;
    const { attempts } = await posthorn.deliveries.get(account, delivery.id);
    const { outcome, error = null } = attempts.at(-1) ?? {};
    if (error === null) return null;
    return outcome === 'blocked' ? forbidden(error) : `The attempt failed: ${error}`;
  }
}

const GREETING = 'Hi! The demo sent this message to show a first delivery.';
const NOT_VERIFIED = 'The endpoint’s URL is not verified yet. Is a worker running?';
const NOT_ARRIVED = 'The event was accepted but has not arrived yet. Is a worker running?';
const LATE_MS = 20_000;
/** At the start, an API that is not responding yet is not a problem. */
const STARTING_MS = 15_000;

export function describeProblem(error: PosthornError, runningMs: number): string | null {
  if (error instanceof ApiUnreachable) return runningMs < STARTING_MS ? null : `${error.message} Retrying.`;
  switch (error instanceof ApiProblem ? error.code : null) {
    case 'url_not_allowed':
      return forbidden(error.message);
    case 'unauthenticated':
      return 'The API refused the operator key. Set the same POSTHORN_OPERATOR_KEY for the demo and the API.';
    case 'unavailable':
      return runningMs < STARTING_MS ? null : error.message;
    default:
      return error.message;
  }
}

/** The API's message is for customers. Operators of the demo can also change the setting. */
const forbidden = (message: string): string =>
  `ALLOW_PRIVATE_NETWORKS or REQUIRE_HTTPS forbids the URL of the demo’s endpoint: ${message}`;

/** 0.25, 0.5, 1, 2, 4, then every 5 s. Every 30 s for problems that only an operator can fix. Never before Retry-After. */
function waitMs(error: PosthornError, failures: number): number {
  const isSettled = error instanceof ApiProblem && ['url_not_allowed', 'unauthenticated'].includes(error.code);
  const backoffMs = isSettled ? 30_000 : Math.min(250 * 2 ** failures, 5000);
  return Math.max(backoffMs, error instanceof ApiProblem ? (error.retryAfterMs ?? 0) : 0);
}
