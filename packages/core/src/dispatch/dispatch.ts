import type pg from 'pg';
import { isUrgent } from '../deliveries/delivery.js';
import type { Deps, Due, QueueName } from '../deps.js';
import { type LeasedDelivery, leaseDue, leaseDueVerifications } from './lease-due.js';
import { MAX_CAPACITY } from '../throttle/capacity.js';
import { shuffled } from '../shards.js';
import { dispatchSoon } from './dispatch-soon.js';
import { findDueShards } from './due-subscriptions.js';

const PER_SUBSCRIPTION = 250;
const LIMIT = 1_000;
/** The shards that one transaction looks at, so that several processes share the work. */
const SHARDS_AT_ONCE = 4;

export interface Round {
  /** Jobs that the queue took. (What it did not take is not counted: a queue that is away would be tried without end.) */
  enqueued: number;
  /** Something is due that had no room, or was left for the next round, or something is due within a second: look again soon. */
  isMoreDue: boolean;
}

/** One round of the dispatcher: what is due and in nobody's hands is leased fairly, as each subscription has room, and enqueued. Looks at
 *  each shard that has something due and that no other process looks at, once. Any number of processes may run it. */
export async function dispatch({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>): Promise<Round> {
  const { due, isAnySoon } = await findDueShards(db.pool);
  if (due.length === 0) return { enqueued: 0, isMoreDue: isAnySoon };
  const enqueued = await dispatchShards({ db, enqueue }, shuffled(due));
  return { enqueued, isMoreDue: (await findDueShards(db.pool)).isAnySoon };
}

/** The same for these shards alone. Returns how many jobs the queue took. */
export async function dispatchShards({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>, due: number[]): Promise<number> {
  let enqueued = 0;
  for (const shards of groupsOf(due, SHARDS_AT_ONCE)) {
    const leased = await leaseDue(db.pool, { shards, perSubscription: PER_SUBSCRIPTION, limit: LIMIT });
    enqueued += await handOver({ db, enqueue }, leased);
  }
  return enqueued;
}

/** Enqueues what was leased. Returns how many jobs the queue took. */
async function handOver({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>, leased: LeasedDelivery[]): Promise<number> {
  // What a resume released, or a replay sent again, may have the number of a retry that still sleeps in the queue `retry`,
  // which would ignore it: so there goes only what was there before.
  const isRetry = ({ attemptNumber, askedTrigger, leasedBefore }: LeasedDelivery) =>
    attemptNumber > 1 && askedTrigger === null && leasedBefore === 'expired';
  // Nobody waits for what comes from here, unless a person asked for it: all that is new goes before it.
  // A lease that expired says that the queue lost the job, or finished it, and the ledger does not know: it was restored from a backup,
  // or failed over to a standby that lacked the last moment.
  // The queue has one of a strict order at most, so it is in nobody's way.
  const toDue = ({ askedTrigger, isInOrder, ...due }: LeasedDelivery): Due => ({
    ...due,
    rank: isUrgent(askedTrigger) || isInOrder ? 0 : MAX_CAPACITY,
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

/** Leases and enqueues due verifications. Returns how many jobs the queue took. */
export async function dispatchRest({ db, enqueue }: Pick<Deps, 'db' | 'enqueue'>): Promise<number> {
  const leased = await leaseDueVerifications(db.pool, { limit: 100 });
  const verifications = leased.map((one) => ({ ...one, leasedBefore: 'expired' as const })); // all of them had leases
  return verifications.length > 0 && (await enqueue('verify', verifications)) ? verifications.length : 0;
}

const DROPPED_AT_ONCE = 10_000;

/** Drops all idempotency keys older than the 24 h they are kept, so many at a time. Returns how many. Leans on
 *  idempotency_keys_created_at_idx. */
export async function dropOldKeys(pool: pg.Pool): Promise<number> {
  let dropped = 0;
  for (let count = DROPPED_AT_ONCE; count === DROPPED_AT_ONCE; dropped += count) {
    const { rowCount } = await pool.query(
      `DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM idempotency_keys WHERE created_at < now() - interval '24 hours' LIMIT ${DROPPED_AT_ONCE} FOR UPDATE SKIP LOCKED
       ))`,
    );
    count = rowCount ?? 0;
  }
  return dropped;
}
