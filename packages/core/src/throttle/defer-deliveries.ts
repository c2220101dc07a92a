import type pg from 'pg';
import type { RetryWhileUnavailable } from '../database-away.js';
import { LOWER_CAPACITY } from './capacity.js';
import { lookUp } from '../look-up.js';

/** Returns leased deliveries to the ledger when their subscription has no capacity: no slot in this process, or its
 *  circuit is not closed. The dispatcher leases them again when there is capacity. Uses up no attempt. */
export interface Deferrals {
  /** `capacity`: how many deliveries of the subscription this process can have in flight (concurrency-limiter.ts);
   *  it bounds all leases. null: unchanged.
   *  Never throws: if the ledger cannot be written, the dispatcher finds the delivery when its lease ends. */
  defer(delivery: DeferredDelivery, capacity: number | null): void;
  /** Writes deferrals that are not written yet, without retrying. Call it before the process ends. */
  drain(): Promise<void>;
}

export interface DeferredDelivery {
  id: string;
  subscriptionId: string;
  /** If the delivery has had another attempt meanwhile, nothing is written. */
  attemptCount: number;
}

/** The queue ignores the id of an unfinished job. So wait for this job to end first; otherwise the dispatcher's next
 *  job would be ignored, and the delivery would wait until that lease ends. */
const DEFER_AFTER_MS = 200;
/** Capacities are written sooner, because until then the queue gets deliveries that find no slot. */
const LOWER_AFTER_MS = 10;

// The dispatcher leases deferred deliveries in the order of `due_at`.
const DEFER = `
UPDATE pending_deliveries d SET leased_until = NULL
FROM unnest($1::uuid[], $2::int[]) AS deferred (id, attempt_count)
WHERE ${lookUp('d.id', 'deferred.id')} AND d.status = 'pending' AND d.attempt_count = deferred.attempt_count AND d.leased_until > now()`;

export function openDeferrals({
  pool,
  retryWhileUnavailable,
}: {
  pool: pg.Pool;
  retryWhileUnavailable: RetryWhileUnavailable;
}): Deferrals {
  const closing = new AbortController();
  async function write(query: pg.QueryConfig): Promise<void> {
    await retryWhileUnavailable(() => pool.query(query), closing.signal).catch(() => {
      // The dispatcher finds the deliveries when their leases end.
    });
  }
  const capacities = gather<{ id: string; capacity: number }>(LOWER_AFTER_MS, (lowered) =>
    write({
      name: 'lower-capacity',
      text: LOWER_CAPACITY,
      values: [lowered.map(({ id }) => id), lowered.map(({ capacity }) => capacity)],
    }),
  );
  const deferrals = gather<DeferredDelivery>(DEFER_AFTER_MS, (deliveries) =>
    write({
      name: 'defer-deliveries',
      text: DEFER,
      values: [deliveries.map(({ id }) => id), deliveries.map(({ attemptCount }) => attemptCount)],
    }),
  );

  return {
    defer(delivery, capacity) {
      if (capacity !== null) capacities.add({ id: delivery.subscriptionId, capacity });
      deferrals.add(delivery);
    },
    async drain() {
      closing.abort();
      await Promise.all([capacities.drain(), deferrals.drain()]);
    },
  };
}

/** Groups items that are added within `afterMs` of the first. Hands over one group at a time. */
function gather<Item>(afterMs: number, handOver: (items: Item[]) => Promise<void>) {
  let items: Item[] = [];
  let timer: NodeJS.Timeout | undefined;
  let handing = Promise.resolve();
  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const group = items;
    items = [];
    if (group.length > 0) handing = handing.then(() => handOver(group));
  }
  return {
    add(item: Item): void {
      items.push(item);
      timer ??= setTimeout(flush, afterMs);
    },
    async drain(): Promise<void> {
      flush();
      await handing;
    },
  };
}
