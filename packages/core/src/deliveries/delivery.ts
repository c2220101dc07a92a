import type { Outcome } from '@posthorn/sender';
import type { AttemptTrigger, DeliveryStatus, SubscriptionStatus } from '../generated/prisma/client.js';

/** A Delivery as an attempt needs it: one event owed to one subscription.
 *
 *  status      entered when                                          left by
 *  pending     published to an active subscription; released;        an attempt → succeeded, failed · pause, disable with hold → held ·
 *              replayed                            disable, delete → canceled
 *  held        published to a paused one; paused; disabled with      resume → pending · disable, delete → canceled
 *              hold; replayed
 *  succeeded   an attempt was answered 2xx, whatever the state was   nothing
 *  failed      the schedule is exhausted, or 410                     an attempt asked for that succeeds → succeeded · replay → pending, held
 *  canceled    its subscription was disabled or deleted              as failed
 *
 *  Beside the status: `attemptCount` counts attempts recorded, so the next one is number attemptCount + 1, and that number
 *  is the fence: a job for any other number is skipped, and a result for any other number is not recorded. `failureCount`
 *  counts the waits of the schedule that are spent. `askedTrigger` asks for one attempt whatever the status.
 *  `dueAt` is when the next attempt is due; null unless pending. `leasedUntil` is until when the queue has it; null: the dispatcher
 *  takes it when it is due (lease.ts).
 *
 *  While an attempt is owed, or it is held, it stands in `pending_deliveries`, otherwise in `finished_deliveries` (delivery-tables.ts). */
export interface LoadedDelivery {
  id: string;
  accountId: string;
  eventId: string;
  eventType: string;
  body: Buffer;
  status: DeliveryStatus;
  attemptCount: number;
  failureCount: number;
  /** The lease under which the queue has it (leaseOf); null: none. */
  leasedUntil: number | null;
  askedTrigger: AttemptTrigger | null;
  /** The last one that sent it again. */
  replayId: string | null;
  /** By the database's clock; negative when it is past; null unless pending. */
  dueInMs: number | null;
  subscriptionId: string;
  url: string;
  subscriptionStatus: SubscriptionStatus;
  /** The subscription is deleted, or its account. */
  isDeleted: boolean;
  /** Its subscription's breaker is not closed, and this is not the probe. */
  isHeldBack: boolean;
  /** Its subscription has a strict order, and its lease is over: another delivery may have the turn. */
  isTurnOver: boolean;
  headersSealed: Buffer | null;
  /** Those that have not expired, the current one first. */
  secretsSealed: Buffer[];
  /** By the database's clock. */
  publishedMsAgo: number;
}

/** A person waits for it: no bound of its subscription holds it back. */
export const isUrgent = (askedTrigger: AttemptTrigger | null): boolean =>
  askedTrigger === 'manual' || askedTrigger === 'test';

/** What an attempt came to, told in logs and shown by the queue. */
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
