import { setTimeout as sleep } from 'node:timers/promises';
import { type Posthorn, PosthornError, type Subscription } from '@posthorn/client';

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
 *  Throws what the client throws, NotVerified, and the signal's reason. */
export async function activateSubscription(options: {
  posthorn: Posthorn;
  account: string;
  endpointUrl: string;
  signal: AbortSignal;
}): Promise<Subscription> {
  const { posthorn, account, endpointUrl, signal } = options;
  const { subscriptions } = posthorn;
  let subscription = await findOrCreate(posthorn, account, endpointUrl);
  for (let verifications = 0; ; subscription = await subscriptions.get(account, subscription.id)) {
    const step = nextStep(subscription, endpointUrl);
    if (step === 'nothing') return subscription;
    if (step === 'move') await subscriptions.change(account, subscription.id, { url: endpointUrl });
    if (step === 'resume') await subscriptions.resume(account, subscription.id);
    if (step === 'verify') {
      if (verifications++ === MAX_VERIFICATIONS) throw new NotVerified(subscription);
      await subscriptions.verify(account, subscription.id);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

const POLL_MS = 150;
const MAX_VERIFICATIONS = 3;
const MARK = { madeBy: 'posthorn-demo' };

async function findOrCreate(
  { accounts, subscriptions }: Posthorn,
  account: string,
  url: string,
): Promise<Subscription> {
  await accounts.put(account, { name: 'Demo chat' });
  const existing = await subscriptions.list(account, { limit: 100 }).take(100);
  const found =
    existing.find((candidate) => candidate.url === url) ??
    existing.find((candidate) => candidate.metadata['madeBy'] === MARK.madeBy);
  return found ?? subscriptions.create(account, { url, description: 'The demo’s own endpoint', metadata: MARK });
}

class NotVerified extends PosthornError {
  constructor({ verification }: Subscription) {
    super(`The endpoint’s URL was not verified: ${verification.error ?? verification.reason ?? 'unknown.'}`);
  }
}
