import type { Outcome } from '@posthorn/sender';
import type { AttemptTrigger, DeliveryStatus, SubscriptionStatus } from '../generated/prisma/client.js';

/** A delivery, one event for one subscription, with what an attempt needs.
 *
 *  status      entered when                                          left by
 *  pending     published to an active subscription; released;        an attempt → succeeded, failed · pause, disable with hold → held ·
 *              replayed                                              disable, delete → canceled
 *  held        published to a paused one; paused; disabled with      resume → pending · disable, delete → canceled
 *              hold; replayed
 *  succeeded   an attempt got a 2xx, in any status                   nothing
 *  failed      the schedule is exhausted, or 410                     a requested attempt succeeds → succeeded · replay → pending, held
 *  canceled    its subscription was disabled or deleted              as failed
 *
 *  `attemptCount` counts recorded attempts. The next number, attemptCount + 1, is the fence: jobs and results with another number
 *  are ignored. `failureCount` counts the waits of the schedule that are used up. `requestedTrigger` requests one attempt in any status.
 *  `dueAt` is when the next attempt is due; null unless pending. `leasedUntil` is the end of the queue's lease; null: the
 *  dispatcher leases the delivery when it is due (lease.ts).
 *
 *  A delivery that is held or has an attempt pending is in `pending_deliveries`, otherwise in `finished_deliveries`
 *  (delivery-tables.ts). */
export interface LoadedDelivery {
  id: string;
  accountId: string;
  eventId: string;
  eventType: string;
  body: Buffer;
  status: DeliveryStatus;
  attemptCount: number;
  failureCount: number;
  /** The current lease (leaseOf); null: not leased. */
  leasedUntil: number | null;
  requestedTrigger: AttemptTrigger | null;
  /** The last replay that sent it again. */
  replayId: string | null;
  /** By the database's clock. Negative if it is past; null unless pending. */
  dueInMs: number | null;
  subscriptionId: string;
  url: string;
  subscriptionStatus: SubscriptionStatus;
  /** The subscription or its account is deleted. */
  isDeleted: boolean;
  /** The subscription's circuit is not closed, and this delivery is not the probe. */
  isDeferredByCircuit: boolean;
  /** The subscription has a strict order and the lease has ended, so it may be another delivery's turn. */
  isTurnOver: boolean;
  /** The subscription's own retry policy (deliver/retry-policy.ts). */
  retrySchedule: number[] | null;
  timeoutMs: number | null;
  headersSealed: Buffer | null;
  authenticationSealed: Buffer | null;
  certificateAuthorities: string | null;
  /** Unexpired secrets, the current one first. */
  secretsSealed: Buffer[];
  /** By the database's clock. */
  publishedMsAgo: number;
}

/** Returns whether a person waits for the attempt, so that no limit of its subscription applies. */
export const isUrgent = (requestedTrigger: AttemptTrigger | null): boolean =>
  requestedTrigger === 'manual' || requestedTrigger === 'test';

/** The result of an attempt, for logs and the queue. */
export interface AttemptReport {
  deliveryId: string;
  eventId: string;
  subscriptionId: string;
  accountId: string;
  attemptNumber: number;
  outcome: Outcome;
  statusCode: number | null;
  deliveryStatus: DeliveryStatus;
}
