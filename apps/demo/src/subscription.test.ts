import type { Subscription } from '@posthorn/client';
import { expect, test } from 'vitest';
import { nextStep } from './subscription.js';

const HERE = 'http://127.0.0.1:3402/webhook';
const BEFORE = 'http://127.0.0.1:9/webhook';

type Given = Pick<Subscription, 'url' | 'pendingUrl' | 'status'> & { verified: Subscription['verification']['status'] };

test.each<[string, Given, string]>([
  ['active here', { url: HERE, pendingUrl: null, status: 'active', verified: 'verified' }, 'nothing'],
  ['in its first verification', { url: HERE, pendingUrl: null, status: 'unverified', verified: 'pending' }, 'wait'],
  [
    'with a failed first verification',
    { url: HERE, pendingUrl: null, status: 'unverified', verified: 'failed' },
    'verify',
  ],
  ['paused', { url: HERE, pendingUrl: null, status: 'paused', verified: 'verified' }, 'resume'],
  ['disabled', { url: HERE, pendingUrl: null, status: 'disabled', verified: 'verified' }, 'resume'],
  ['with the URL of another port', { url: BEFORE, pendingUrl: null, status: 'active', verified: 'verified' }, 'move'],
  [
    'with the URL of another port, disabled',
    { url: BEFORE, pendingUrl: null, status: 'disabled', verified: 'verified' },
    'move',
  ],
  ['changing to this URL', { url: BEFORE, pendingUrl: HERE, status: 'active', verified: 'pending' }, 'wait'],
  [
    'changing to this URL, verification failed',
    { url: BEFORE, pendingUrl: HERE, status: 'active', verified: 'failed' },
    'verify',
  ],
  [
    'changing to another URL',
    { url: BEFORE, pendingUrl: 'http://127.0.0.1:8/webhook', status: 'active', verified: 'pending' },
    'move',
  ],
])('a subscription %s: %j → %s', (_what, { verified, ...given }, step) => {
  const verification = {
    status: verified,
    reason: null,
    error: null,
    checkedAt: null,
    statusCode: null,
    durationMs: null,
    responseBody: null,
  };
  const subscription: Subscription = {
    id: 'sub_1',
    accountId: 'demo',
    events: [],
    description: null,
    headers: {},
    pendingHeaders: null,
    authentication: null,
    pendingAuthentication: null,
    certificateAuthorities: null,
    metadata: {},
    statusReason: null,
    rateLimit: null,
    ordering: 'none',
    retrySchedule: null,
    timeoutMs: null,
    filter: null,
    holdsWhenDisabled: false,
    failingSince: null,
    lastOutage: null,
    circuit: { state: 'closed', until: null },
    statusChangedAt: '',
    createdAt: '',
    updatedAt: '',
    verification,
    ...given,
  };
  expect(nextStep(subscription, HERE)).toBe(step);
});
