import { setTimeout as sleep } from 'node:timers/promises';
import type { Subscription } from '@posthorn/contract';
import { ApiProblem, type PosthornApi } from './posthorn-api.js';

/** What has to be done next for a subscription to deliver to `receiverUrl`.
 *
 *  its URL is another (the demo ran on another port)   move it there; the new URL is verified first
 *  its handshake is under way                          wait
 *  its handshake failed, or its new URL's did          verify again
 *  paused or disabled                                  resume
 *  active                                              nothing */
export type NextStep = 'move' | 'wait' | 'verify' | 'resume' | 'nothing';

export function nextStep(subscription: Subscription, receiverUrl: string): NextStep {
  const { url, pendingUrl, status, verification } = subscription;
  const isMoving = pendingUrl === receiverUrl;
  if (url !== receiverUrl && !isMoving) return 'move';
  if (isMoving || status === 'unverified') return verification.status === 'failed' ? 'verify' : 'wait';
  return status === 'active' ? 'nothing' : 'resume';
}

/** Finds or makes the subscription of our receiver and sees to it that it is active. Repeating it is safe.
 *  Rejects with what the API client throws, and with the signal's reason. */
export async function activateSubscription(options: {
  api: PosthornApi;
  account: string;
  receiverUrl: string;
  signal: AbortSignal;
}): Promise<Subscription> {
  const { api, account, receiverUrl, signal } = options;
  let subscription = await findOrCreate(api, account, receiverUrl);
  for (let verifications = 0; ; subscription = await api.getSubscription(account, subscription.id)) {
    const step = nextStep(subscription, receiverUrl);
    if (step === 'nothing') return subscription;
    if (step === 'move') await api.moveSubscription(account, subscription.id, receiverUrl);
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
  return found ?? api.createSubscription(account, { url, description: 'The demo’s own receiver', metadata: MARK });
}

const notVerified = ({ verification }: Subscription): ApiProblem =>
  new ApiProblem(
    200,
    'not_verified',
    `The receiver’s URL was not verified: ${verification.error ?? verification.reason ?? 'unknown.'}`,
    null,
  );
