import type pg from 'pg';
import type { RetryWhileUnavailable } from '../database-away.js';
import { LOWER_CAPACITY } from './capacity.js';
import { lookUp } from '../look-up.js';

/** Returns leased deliveries to the ledger, because their subscription has no capacity for them now: no slot in this process, or a
 *  circuit that is not closed. The dispatcher leases each again when there is capacity. No attempt is spent. */
export interface Deferrals {
  /** `capacity`: what this process can have in flight of the subscription (concurrency-limiter.ts), so that others lease no more than
   *  that. null: the capacity stays. Never throws: if the ledger cannot be written, the lease ends, and the dispatcher finds the
   *  delivery then. */
  defer(delivery: DeferredDelivery, capacity: number | null): void;
  /** Writes what was deferred and is not written yet, once: the process ends. */
  drain(): Promise<void>;
}

export interface DeferredDelivery {
  id: string;
  subscriptionId: string;
  /** A delivery that has had another attempt meanwhile is left alone. */
  attemptCount: number;
}

/** The queue ignores an id that it still knows. So a delivery is returned when its job has ended; else the next job of the dispatcher
 *  would be ignored, and the delivery would wait for the end of that lease. */
const DEFER_AFTER_MS = 200;
/** A capacity is written sooner: until then, the queue gets deliveries that will find no slot. */
const LOWER_AFTER_MS = 10;

// The dispatcher takes deferred deliveries in the order in which they became due.
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
      // The leases end, and the dispatcher finds the deliveries then.
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

/** Items that come within `afterMs` of the first are handed over together; one such group after the other. */
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
