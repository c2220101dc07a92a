import type { WaitingState } from '@posthorn/contract';
import type pg from 'pg';
import type { DeliveryStatus } from '../generated/prisma/client.js';
import { backlogCapacityOf, MAX_CAPACITY } from '../throttle/capacity.js';
import { TURNS_AHEAD_SECONDS } from '../throttle/rate-limit.js';
import { LEASE_SECONDS, leasedOf } from './lease.js';
import { fanOutBefore, headOf, isInOrder, leasedBefore } from './strict-order.js';

export interface WhyWaiting {
  state: WaitingState;
  until: Date | null;
  /** For `deferred_order`: what has to end first. */
  behind?: Behind;
}

/** A delivery, or an expanding event, that precedes another delivery in a strict order. */
export type Behind = { deliveryId: string } | { eventId: string };

/** A pending delivery and its subscription, as of `now` by the database's clock. */
export interface WaitingRow {
  now: Date;
  status: DeliveryStatus;
  /** null: only a requested attempt is pending. */
  dueAt: Date | null;
  leasedUntil: Date | null;
  /** A person, a test or a replay requested the attempt: schedule, circuit and pause do not apply. */
  isRequested: boolean;
  circuitOpenUntil: Date | null;
  /** It is the probe of a half-open circuit. */
  isProbe: boolean;
  rateLimit: number | null;
  nextSlotAt: Date | null;
  /** The subscription's leased deliveries reach its capacity. */
  isFull: boolean;
  /** In a strict order: the delivery whose turn it is. */
  behindDeliveryId: string | null;
  /** In a strict order: the expanding event that comes first. */
  behindEventId: string | null;
}

/** A delivery that is ready for longer is overdue. */
const OVERDUE_AFTER_MS = 10_000;

/** Returns why a pending delivery waits: the first of WAITING_STATES that applies. `deferred_slots` and
 *  `deferred_rate_limit` are estimates, because the numbers may change before the dispatcher looks. */
export function whyWaiting(row: WaitingRow): WhyWaiting {
  const { now, status, dueAt, leasedUntil, isRequested, circuitOpenUntil, isProbe, rateLimit, nextSlotAt, isFull } =
    row;
  const { behindDeliveryId, behindEventId } = row;
  if (status === 'held' && !isRequested) return { state: 'held', until: null };
  if (leasedUntil !== null && leasedUntil > now) {
    // The lease of a delayed retry or of a reserved turn starts when it is due.
    const begins = new Date(leasedUntil.getTime() - LEASE_SECONDS * 1_000);
    if (begins <= now) return { state: 'leased', until: leasedUntil };
    return dueAt !== null && dueAt > now
      ? { state: 'scheduled', until: dueAt }
      : { state: 'deferred_rate_limit', until: begins };
  }
  if (!isRequested && dueAt !== null && dueAt > now) return { state: 'scheduled', until: dueAt };
  if (behindDeliveryId !== null)
    return { state: 'deferred_order', until: null, behind: { deliveryId: behindDeliveryId } };
  if (behindEventId !== null) return { state: 'deferred_order', until: null, behind: { eventId: behindEventId } };
  if (!isRequested && circuitOpenUntil !== null && !isProbe)
    return { state: 'deferred_circuit_open', until: circuitOpenUntil > now ? circuitOpenUntil : null };
  if (rateLimit !== null && nextSlotAt !== null && nextSlotAt.getTime() > now.getTime() + TURNS_AHEAD_SECONDS * 1_000)
    return { state: 'deferred_rate_limit', until: nextSlotAt };
  if (isFull) return { state: 'deferred_slots', until: null };
  const readySince = Math.max(dueAt?.getTime() ?? 0, leasedUntil?.getTime() ?? 0);
  return { state: now.getTime() - readySince > OVERDUE_AFTER_MS ? 'overdue' : 'ready', until: null };
}

/** Reads why deliveries of the account wait, by id. Deliveries without a pending attempt are not among them. Uses the key of
 *  pending_deliveries, and pending_deliveries_dispatch_idx for at most as many leases of each subscription as its
 *  capacity. In a strict order it also uses the indexes of headOf and fanOutBefore. */
export async function readWaiting(
  pool: pg.Pool,
  { accountId, ids }: { accountId: string; ids: string[] },
): Promise<Map<string, WhyWaiting>> {
  if (ids.length === 0) return new Map();
  const { rows } = await pool.query<WaitingRow & { id: string }>({
    name: 'read-waiting',
    text: `
      WITH pending AS MATERIALIZED (
        SELECT * FROM pending_deliveries o WHERE o.id = ANY ($2::uuid[]) AND o.account_id = $1
      ),
      s AS MATERIALIZED (
        SELECT s.*, leased.count >= ${backlogCapacityOf('s')} AS is_full,
          CASE WHEN ${isInOrder('s')} THEN ${leasedBefore('s.id')} END AS leased_id,
          CASE WHEN ${isInOrder('s')} THEN (SELECT h.id FROM (${headOf('s.id')}) h) END AS head_id
        FROM (SELECT DISTINCT subscription_id FROM pending) o JOIN subscriptions s ON s.id = o.subscription_id
        CROSS JOIN LATERAL (
          SELECT count(*) FROM (
            ${leasedOf('o.subscription_id', { limit: MAX_CAPACITY })}
          ) d
        ) leased
      )
      SELECT o.id, now(), o.status, o.due_at AS "dueAt", o.leased_until AS "leasedUntil", o.requested_trigger IS NOT NULL AS "isRequested",
        s.circuit_open_until AS "circuitOpenUntil", s.probe_id IS NOT DISTINCT FROM o.id AS "isProbe", s.rate_limit AS "rateLimit",
        s.next_slot_at AS "nextSlotAt", s.is_full AS "isFull", coalesce(s.leased_id, nullif(s.head_id, o.id)) AS "behindDeliveryId",
        CASE WHEN ${isInOrder('s')} THEN ${fanOutBefore({ s: 's', d: 'o' })} END AS "behindEventId"
      FROM pending o JOIN s ON s.id = o.subscription_id`,
    values: [accountId, ids],
  });
  return new Map(rows.map((row) => [row.id, whyWaiting(row)]));
}
