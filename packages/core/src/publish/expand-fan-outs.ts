import type pg from 'pg';
import { IS_LEASED, LEASED_FROM_NOW, leaseOf } from '../deliveries/lease.js';
import { MAX_CAPACITY } from '../throttle/capacity.js';
import { isOfEvent } from '../delivery-tables.js';
import { isDatabaseAway } from '../database-away.js';
import type { Deps } from '../deps.js';
import { matchesType } from '../event-types/matches-type.js';
import { CREATE_DELIVERIES, PLACING } from './create-deliveries.js';
import { passesFilter } from './passes-filter.js';
import { dispatchSoon } from '../dispatch/dispatch-soon.js';
import { wakeDispatchers } from '../dispatch/wake.js';
import { inIdOrder, lookUp } from '../look-up.js';

/** A fan-out is an event with more deliveries than the statement of its publish may write. That statement stores the event and a row
 *  of `fan_outs`. Workers write the deliveries in chunks of subscriptions, in the order of their ids.
 *
 *  state       entered when                                        left when
 *  expanding   published                                           the last subscription was scanned → complete; its account is
 *                                                                  deleted → its row is erased
 *  complete    the event's delivery_count is what was written      a day has passed → dropped
 *
 *  A subscription gets one delivery if it was created before the publish and, when its chunk is written, is active (pending) or
 *  paused (held) and subscribes to the type, and if the payload passes its filter. A subscription that is disabled or deleted meanwhile gets none, or a held one if it is
 *  disabled with hold. Changed event types, a changed filter, a verification or a resume in between count, because the ledger stores no older state. */
export interface ExpandOptions {
  /** Subscriptions per statement. Default: 1,000, which takes about 50 ms. */
  atOnce?: number;
  /** Maximum number of deliveries of a fan-out in the queue. The dispatcher would enqueue those that outlast their
   *  lease again. Default: 5,000. */
  maxLeased?: number;
  /** Called for each chunk after its commit. */
  observe?: (chunk: { count: number; isComplete: boolean }) => void;
}

export interface Expanded {
  /** At least one chunk was written. */
  isAdvanced: boolean;
  /** A fan-out waits for the queue, or another process expands it: look again soon. */
  isWaiting: boolean;
}

// The parts of the statement, in order. Each is one or more CTEs that read the earlier ones. The statement that writes
// the chunk also moves the position, so each subscription is scanned once even after a crash.

/** `fan`: the oldest fan-out of the account ($1). SKIP LOCKED: several expanders share an account's fan-outs. Uses
 *  fan_outs_expanding_idx. */
const LOCK_FAN_OUT = `
fan AS MATERIALIZED (
  SELECT event_id, account_id, event_type, position, created_at, published_at FROM fan_outs
  WHERE account_id = $1 AND completed_at IS NULL ORDER BY event_id LIMIT 1 FOR UPDATE SKIP LOCKED
)`;

/** `account`: the lock makes an erasure wait for the chunk and prevents later chunks. */
const LOCK_ACCOUNT = `
account AS MATERIALIZED (
  SELECT id FROM accounts WHERE id = $1 AND deleted_at IS NULL FOR KEY SHARE SKIP LOCKED
)`;

/** `roomy`: the fan-out, if the queue has fewer than $3 of its deliveries. They are counted among the event's own, by
 *  the key of pending_deliveries: ORDER BY and OFFSET 0 exclude other indexes. */
const REQUIRE_ROOM = `
roomy AS MATERIALIZED (
  SELECT f.* FROM fan f JOIN account a ON a.id = f.account_id CROSS JOIN LATERAL (
    SELECT count(*) FROM (
      SELECT FROM (SELECT d.leased_until, d.due_at FROM pending_deliveries d WHERE ${isOfEvent('f.event_id')} ORDER BY d.id OFFSET 0) d
      WHERE ${IS_LEASED} LIMIT $3
    ) d
  ) leased
  WHERE leased.count < $3
)`;

/** `payloads`: the one of the event. Evaluated only if a subscription has a filter. */
const READ_PAYLOAD = `
payloads AS MATERIALIZED (
  SELECT f.event_id, posthorn_payload(e.body) AS payload FROM roomy f CROSS JOIN LATERAL (
    SELECT body FROM events WHERE account_id = f.account_id AND id = f.event_id OFFSET 0
  ) e
)`;

const FROM = `coalesce(f.position, '00000000-0000-0000-0000-000000000000')`;

/** `scanned`: the next $2 subscriptions of the account. Uses subscriptions_account_id_id_idx. */
const SCAN = `
scanned AS MATERIALIZED (
  SELECT f.event_id, f.event_type, f.created_at AS fanned_out_at, f.published_at, s.*
  FROM roomy f CROSS JOIN LATERAL (
    SELECT id, account_id, events, filter, status, status_changed_at, holds_when_disabled, concurrency_limit, rate_limit, circuit_open_until, ordering,
      created_at, deleted_at
    FROM subscriptions s
    WHERE ${inIdOrder('s.account_id', 'f.account_id', { from: FROM })} AND s.id IS DISTINCT FROM f.position
    ORDER BY s.account_id, s.id LIMIT $2
  ) s
)`;

/** `matched`: the deliveries to create. */
const MATCH = `
matched AS (
  SELECT s.event_id, s.account_id, s.event_type AS type, 1 AS position, s.published_at, ${PLACING}
  FROM scanned s WHERE s.created_at <= s.fanned_out_at AND s.deleted_at IS NULL AND ${matchesType('s.event_type')} AND ${passesFilter('s.event_id')}
    AND (s.status IN ('active', 'paused') OR s.status = 'disabled' AND s.holds_when_disabled AND s.status_changed_at > s.fanned_out_at)
)`;

const MOVE = `
chunk AS (
  SELECT f.event_id, (SELECT count(*) FROM matched)::int AS count, (SELECT count(*) FROM scanned) < $2 AS is_last,
    (SELECT id FROM scanned ORDER BY id DESC LIMIT 1) AS position
  FROM roomy f
),
moved AS (
  UPDATE fan_outs f SET position = coalesce(c.position, f.position), written = f.written + c.count,
    completed_at = CASE WHEN c.is_last THEN now() END
  FROM chunk c WHERE ${lookUp('f.event_id', 'c.event_id')}
  RETURNING f.event_id, f.account_id, f.written, c.count, c.is_last
)`;

const COMPLETE = `
completed AS (
  UPDATE events e SET delivery_count = m.written FROM moved m WHERE e.account_id = m.account_id AND ${lookUp('e.id', 'm.event_id')} AND m.is_last
)`;

const RESULT = `
SELECT coalesce(m.count, 0) AS count, m.event_id IS NOT NULL AS "isAdvanced", coalesce(m.is_last, false) AS "isComplete",
  coalesce(o.direct_ids, '{}') AS "directIds", ${leaseOf(LEASED_FROM_NOW)} AS "leasedUntil", coalesce(o.deferred, 0) AS "deferredCount"
FROM (SELECT) one LEFT JOIN moved m ON true LEFT JOIN created_per_event o ON true`;

const EXPAND = `WITH ${[
  LOCK_FAN_OUT,
  LOCK_ACCOUNT,
  REQUIRE_ROOM,
  READ_PAYLOAD,
  SCAN,
  MATCH,
  CREATE_DELIVERIES,
  MOVE,
  COMPLETE,
].join(',')}${RESULT}`;

interface Chunk {
  count: number;
  isAdvanced: boolean;
  isComplete: boolean;
  directIds: string[];
  /** The lease of these deliveries (leaseOf). */
  leasedUntil: number;
  deferredCount: number;
}

/** Writes one chunk of the oldest fan-out of each account, so no account waits until another one is complete. Any
 *  number of processes may call it.
 *  After the commit of a chunk it enqueues deliveries with capacity, best effort, like a publish. Without fan-outs
 *  it costs one probe of fan_outs_expanding_idx.
 *  Throws if the database fails; earlier chunks stay. */
export async function expandFanOuts(
  { db, enqueue }: Pick<Deps, 'db' | 'enqueue'>,
  { atOnce = 1_000, maxLeased = 5_000, observe }: ExpandOptions = {},
): Promise<Expanded> {
  const expanded: Expanded = { isAdvanced: false, isWaiting: false };
  let fault: unknown;
  for (const accountId of await accountsThatExpand(db.pool)) {
    try {
      const { rows } = await db.pool.query<Chunk>({
        name: 'expand-fan-out',
        text: EXPAND,
        values: [accountId, atOnce, maxLeased],
      });
      const [chunk] = rows;
      if (!chunk?.isAdvanced) {
        expanded.isWaiting = true;
        continue;
      }
      expanded.isAdvanced = true;
      observe?.(chunk);
      await enqueueChunk({ db, enqueue }, chunk);
    } catch (error) {
      if (isDatabaseAway(error)) throw error;
      fault ??= error; // one account failed; continue with the others
    }
  }
  if (fault !== undefined) throw fault;
  return expanded;
}

/** A loose index scan. */
async function accountsThatExpand(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ accountId: string }>({
    name: 'accounts-that-expand',
    text: `
      WITH RECURSIVE expanding AS (
        (SELECT account_id FROM fan_outs WHERE completed_at IS NULL ORDER BY account_id LIMIT 1)
        UNION ALL
        SELECT (
          SELECT f.account_id FROM fan_outs f WHERE f.completed_at IS NULL AND f.account_id > e.account_id ORDER BY f.account_id LIMIT 1
        )
        FROM expanding e WHERE e.account_id IS NOT NULL
      )
      SELECT account_id AS "accountId" FROM expanding WHERE account_id IS NOT NULL`,
  });
  return rows.map(({ accountId }) => accountId);
}

/** Enqueues behind new events, so that no event waits for a fan-out. */
async function enqueueChunk(
  { db, enqueue }: Pick<Deps, 'db' | 'enqueue'>,
  { directIds, leasedUntil, deferredCount }: Chunk,
): Promise<void> {
  if (deferredCount > 0) await wakeDispatchers(db.pool);
  if (directIds.length === 0) return;
  const due = directIds.map((id) => ({ id, attemptNumber: 1, leasedUntil, rank: MAX_CAPACITY }));
  if (!(await enqueue('deliver', due))) await dispatchSoon(db, directIds);
}
