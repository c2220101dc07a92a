import { setTimeout as sleep } from 'node:timers/promises';
import type { Subscription } from '@posthorn/contract';
import { ApiProblem, type PosthornApi } from './posthorn-api.js';

/** The next step for a subscription to deliver to `endpointUrl`.
 *
 *  it has another URL (the demo ran on another port)   change the URL; Posthorn verifies it first
 *  its verification is running                         wait
 *  its verification failed                             verify again
 *  paused or disabled                                  resume
 *  active                                              nothing */
export type NextStep = 'move' | 'wait' | 'verify' | 'resume' | 'nothing';

export function nextStep(subscription: Subscription, endpointUrl: string): NextStep {
  const { url, pendingUrl, status, verification } = subscription;
  const isMoving = pendingUrl === endpointUrl;
  if (url !== endpointUrl && !isMoving) return 'move';
  if (isMoving || status === 'unverified') return verification.status === 'failed' ? 'verify' : 'wait';
  return status === 'active' ? 'nothing' : 'resume';
}

/** Finds or creates the subscription of the demo's endpoint and activates it. Safe to repeat.
 *  Throws what the API client throws, and the signal's reason. */
export async function activateSubscription(options: {
  api: PosthornApi;
  account: string;
  endpointUrl: string;
  signal: AbortSignal;
}): Promise<Subscription> {
  const { api, account, endpointUrl, signal } = options;
  let subscription = await findOrCreate(api, account, endpointUrl);
  for (let verifications = 0; ; subscription = await api.getSubscription(account, subscription.id)) {
    const step = nextStep(subscription, endpointUrl);
    if (step === 'nothing') return subscription;
    if (step === 'move') await api.moveSubscription(account, subscription.id, endpointUrl);
    if (step === 'resume') await api.resumeSubscription(account, subscription.id);
    if (step === 'verify') {
      if (verifications++ === MAX_VERIFICATIONS) throw notVerified(subscription);
      await api.verifySubscription(account, subscription.id);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

const POLL_MS = 150;
const MAX_VERIFICATIONS = 3;
const MARK = { madeBy: 'posthorn-demo' };

async function findOrCreate(api: PosthornApi, account: string, url: string): Promise<Subscription> {
  await api.putAccount(account, 'Demo chat');
  const { data: subscriptions } = await api.listSubscriptions(account);
  const found =
    subscriptions.find((candidate) => candidate.url === url) ??
    subscriptions.find((candidate) => candidate.metadata.madeBy === MARK.madeBy);
  return found ?? api.createSubscription(account, { url, description: 'The demo’s own endpoint', metadata: MARK });
}

const notVerified = ({ verification }: Subscription): ApiProblem =>
  new ApiProblem(
    200,
    'not_verified',
    `The endpoint’s URL was not verified: ${verification.error ?? verification.reason ?? 'unknown.'}`,
    null,
  );
