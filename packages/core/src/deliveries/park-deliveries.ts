import type pg from 'pg';
import type { Patience } from '../database-away.js';
import type { LoadedDelivery } from './delivery.js';

/** Gives deliveries back to the ledger whose turn it is not: the feeder brings each again when its subscription has room. */
export interface Parking {
  /** `bearable`: how many the subscription can have for now; null: as many as before. */
  park(delivery: LoadedDelivery, bearable: number | null): void;
  /** Parks what was given and is not parked yet, once more and no longer: the process ends. */
  drain(): Promise<void>;
}

interface Parked {
  delivery: LoadedDelivery;
  bearable: number | null;
}

/** The queue ignores an id that it still knows: a delivery is parked when its job is gone, or the job that the feeder makes
 *  next would be ignored, and the delivery would wait for its lease to end. */
const AFTER_MS = 200;

// Parked ones go in the order in which they were published, whichever has been tried already: so the oldest one reaches the
// end of its schedule even if only a probe is made now and then.
const PARK = `
WITH parked AS (
  SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::int[]) AS t (id, attempt_count, subscription_id, bearable)
),
bounded AS (
  UPDATE subscriptions s SET concurrency_limit = c.bearable, concurrency_set_at = now()
  FROM (SELECT subscription_id, greatest(1, min(bearable)) AS bearable FROM parked WHERE bearable IS NOT NULL GROUP BY subscription_id) c
  WHERE s.id = c.subscription_id AND s.concurrency_limit > c.bearable
)
UPDATE deliveries d SET feed_at = least(d.created_at, now())
FROM parked p
WHERE d.id = p.id AND d.status = 'pending' AND d.attempt_count = p.attempt_count AND d.feed_at > now()`;

export function openParking({ pool, patience }: { pool: pg.Pool; patience: Patience }): Parking {
  let waiting: Parked[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  const closing = new AbortController();

  async function write(taken: Parked[]): Promise<void> {
    await pool.query({
      name: 'park-deliveries',
      text: PARK,
      values: [
        taken.map(({ delivery }) => delivery.id),
        taken.map(({ delivery }) => delivery.attemptCount),
        taken.map(({ delivery }) => delivery.subscriptionId),
        taken.map(({ bearable }) => bearable),
      ],
    });
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const taken = waiting;
    waiting = [];
    if (taken.length === 0) return;
    // If the database does not do it, the leases end and the feeder finds them then.
    writing = writing.then(() => patience.until(() => write(taken), closing.signal)).catch(() => {});
  }

  return {
    park(delivery, bearable) {
      waiting.push({ delivery, bearable });
      timer ??= setTimeout(flush, AFTER_MS);
    },
    async drain() {
      closing.abort();
      flush();
      await writing;
    },
  };
}
