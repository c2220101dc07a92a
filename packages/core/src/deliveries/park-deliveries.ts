import type pg from 'pg';
import type { Patience } from '../database-away.js';
import type { LoadedDelivery } from './delivery.js';

/** Gives deliveries back to the ledger whose turn it is not: the dispatcher brings each again when its subscription has room. */
export interface Parking {
  /** `bearable`: how many the subscription can have for now; null: as many as before. */
  park(delivery: LoadedDelivery, bearable: number | null): void;
  /** Parks what was given and is not parked yet, once more and no longer: the process ends. */
  drain(): Promise<void>;
}

/** The queue ignores an id that it still knows: a delivery is parked when its job is gone, or the job that the dispatcher makes
 *  next would be ignored, and the delivery would wait for its lease to end. */
const PARK_AFTER_MS = 200;
/** What a subscription can bear is known sooner: until it is written, the queue gets what will find no room. */
const BOUND_AFTER_MS = 10;

// Parked ones go in the order in which they became due.
const PARK = `
UPDATE pending_deliveries d SET leased_until = NULL
FROM unnest($1::uuid[], $2::int[]) AS parked (id, attempt_count)
WHERE d.id = parked.id AND d.status = 'pending' AND d.attempt_count = parked.attempt_count AND d.leased_until > now()`;

const BOUND = `
UPDATE subscriptions s SET concurrency_limit = b.bearable, concurrency_set_at = now()
FROM (SELECT id, greatest(1, min(bearable)) AS bearable FROM unnest($1::uuid[], $2::int[]) AS t (id, bearable) GROUP BY id) b
WHERE s.id = b.id AND s.concurrency_limit > b.bearable`;

export function openParking({ pool, patience }: { pool: pg.Pool; patience: Patience }): Parking {
  const closing = new AbortController();
  async function write(query: pg.QueryConfig): Promise<void> {
    await patience
      .until(() => pool.query(query), closing.signal)
      .catch(() => {
        // The leases end, and the dispatcher finds them then.
      });
  }
  const bounding = gather<{ id: string; bearable: number }>(BOUND_AFTER_MS, (bounds) =>
    write({
      name: 'bound-subscriptions',
      text: BOUND,
      values: [bounds.map(({ id }) => id), bounds.map(({ bearable }) => bearable)],
    }),
  );
  const parking = gather<LoadedDelivery>(PARK_AFTER_MS, (deliveries) =>
    write({
      name: 'park-deliveries',
      text: PARK,
      values: [deliveries.map(({ id }) => id), deliveries.map(({ attemptCount }) => attemptCount)],
    }),
  );

  return {
    park(delivery, bearable) {
      if (bearable !== null) bounding.add({ id: delivery.subscriptionId, bearable });
      parking.add(delivery);
    },
    async drain() {
      closing.abort();
      await Promise.all([bounding.drain(), parking.drain()]);
    },
  };
}

/** What comes within `afterMs` of the first is handed over together, one such after the other. */
function gather<Item>(afterMs: number, handOver: (items: Item[]) => Promise<void>) {
  let items: Item[] = [];
  let timer: NodeJS.Timeout | undefined;
  let handing = Promise.resolve();
  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const taken = items;
    items = [];
    if (taken.length > 0) handing = handing.then(() => handOver(taken));
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
