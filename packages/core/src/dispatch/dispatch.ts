import { isUrgent } from '../deliveries/delivery.js';
import type { Deps, Due, QueueName } from '../deps.js';
import { type LeasedDelivery, leaseDue, leaseDueVerifications } from './lease-due.js';
import { MAX_CAPACITY } from '../throttle/capacity.js';
import { shuffled } from '../shards.js';
import { dispatchSoon } from './dispatch-soon.js';
import { findDueShards } from './due-subscriptions.js';

const PER_SUBSCRIPTION = 250;
const LIMIT = 1_000;
/** Shards per transaction: few, so that several processes share the work. */
const SHARDS_AT_ONCE = 4;

export interface Round {
  /** Jobs that the queue accepted. Rejected ones do not count: otherwise the dispatcher would never pause while the
   *  queue is unavailable. */
  enqueued: number;
  /** A delivery had no capacity or was left for the next round, or one is due within a second: look again soon. */
  isMoreDue: boolean;
}

/** One round of the dispatcher: leases due deliveries fairly, as each subscription has capacity, and enqueues them.
 *  Looks once at each shard that has something due and that no other process holds. Any number of processes may run
 *  it. */
export async function dispatch({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>): Promise<Round> {
  const { due, isAnySoon } = await findDueShards(db.pool);
  if (due.length === 0) return { enqueued: 0, isMoreDue: isAnySoon };
  const enqueued = await dispatchShards({ db, enqueue }, shuffled(due));
  return { enqueued, isMoreDue: (await findDueShards(db.pool)).isAnySoon };
}

/** Like dispatch, for these shards only. Returns how many jobs the queue accepted. */
export async function dispatchShards({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>, due: number[]): Promise<number> {
  let enqueued = 0;
  for (const shards of groupsOf(due, SHARDS_AT_ONCE)) {
    const leased = await leaseDue(db.pool, { shards, perSubscription: PER_SUBSCRIPTION, limit: LIMIT });
    enqueued += await handOver({ db, enqueue }, leased);
  }
  return enqueued;
}

/** Enqueues leased deliveries. Returns how many jobs the queue accepted. */
async function handOver({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>, leased: LeasedDelivery[]): Promise<number> {
  // A released or replayed delivery may have the attempt number of a job that is still delayed in the queue `retry`.
  // That queue would ignore it, so only deliveries with an expired lease go there.
  const isRetry = ({ attemptNumber, requestedTrigger, leasedBefore }: LeasedDelivery) =>
    attemptNumber > 1 && requestedTrigger === null && leasedBefore === 'expired';
  // New deliveries go before those of the dispatcher, except attempts that a person requested. A strict order has at
  // most one delivery in the queue, so it cannot crowd others out.
  // An expired lease means that the queue lost the job, or that the job finished and the ledger does not know it:
  // Postgres was restored from a backup, or failed over to a standby that lacked the last moment.
  const toDue = ({ requestedTrigger, isInOrder, ...due }: LeasedDelivery): Due => ({
    ...due,
    rank: isUrgent(requestedTrigger) || isInOrder ? 0 : MAX_CAPACITY,
  });
  const [delivered, retried] = await Promise.all([
    hand('deliver', leased.filter((one) => !isRetry(one)).map(toDue)),
    hand('retry', leased.filter(isRetry).map(toDue)),
  ]);
  return delivered + retried;

  async function hand(queue: QueueName, due: Due[]): Promise<number> {
    if (due.length === 0 || (await enqueue(queue, due))) return due.length;
    await dispatchSoon(
      db,
      due.map(({ id }) => id),
    );
    return 0;
  }
}

function groupsOf(shards: number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(shards.length / size) }, (_, n) => shards.slice(n * size, (n + 1) * size));
}

/** Leases and enqueues due verifications. Returns how many jobs the queue accepted. */
export async function dispatchVerifications({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>): Promise<number> {
  const leased = await leaseDueVerifications(db.pool, { limit: 100 });
  const verifications = leased.map((one) => ({ ...one, leasedBefore: 'expired' as const })); // each had a lease
  return verifications.length > 0 && (await enqueue('verify', verifications)) ? verifications.length : 0;
}
