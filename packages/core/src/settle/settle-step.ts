import type pg from 'pg';
import { cancelDeliveries } from './cancel-deliveries.js';
import { holdDeliveries } from './hold-deliveries.js';
import { releaseDeliveries } from './release-deliveries.js';
import type { Part, Settled } from './verb.js';
import { lookUp } from '../look-up.js';

/** Settling makes pending deliveries follow the state of their subscription:
 *
 *  subscription                     verb      deliveries
 *  paused, or disabled with hold    hold      pending → held
 *  active                           release   held → pending
 *  disabled, or deleted             cancel    pending, held → canceled
 *
 *  A change of the state writes a row of `settlements` in the same transaction (unsettle.ts) and then makes one step, so a small
 *  backlog is settled when the request ends. Workers make the other steps. Unsettled deliveries are not sent, because a worker
 *  checks the subscription of each delivery that it loads.
 *
 *  settlement  entered when                                                    left when
 *  due         the state changes; a step has read ROWS_AT_ONCE;                a step leases it
 *              `due_at` has passed
 *  leased      a step leases it, until `due_at`                                the step ends; its process dies, after LEASE_SECONDS → due
 *  waiting     a walk over all deliveries has ended, until `due_at`            after as long as the settlement is old → due (next walk)
 *  deleted     a walk has ended that began SETTLES_SECONDS after the change    –
 *
 *  Several walks are needed: a publish that read the old state may commit later, and steps skip locked rows.
 *  `position` marks how far the walk is, so no step reads the rows of an earlier step again, even before a vacuum. */
export interface SettledStep {
  subscriptionId: string;
  verb: Verb | null;
  /** Deliveries that were changed. */
  count: number;
}

export type Verb = keyof typeof VERBS;

const VERBS = {
  hold: holdDeliveries,
  release: releaseDeliveries,
  cancel: cancelDeliveries,
} satisfies Record<string, (pool: pg.Pool, part: Part) => Promise<Settled>>;

/** Longer than the statement timeout. */
const LEASE_SECONDS = 40;
/** Longer than a statement that read the old state may run. */
const SETTLES_SECONDS = 60;

// A settlement that waits for its next walk may be leased early by its id. Uses settlements_due_idx, or the key.
const LEASE = `
UPDATE settlements t SET due_at = now() + interval '${LEASE_SECONDS} seconds', walk_at = CASE WHEN t.position IS NULL THEN now() ELSE t.walk_at END
FROM (
  SELECT n.subscription_id,
    CASE
      WHEN s.deleted_at IS NOT NULL OR s.status = 'disabled' AND NOT s.holds_when_disabled THEN 'cancel'
      WHEN s.status IN ('paused', 'disabled') THEN 'hold'
      WHEN s.status = 'active' THEN 'release'
    END AS verb
  FROM settlements n JOIN subscriptions s ON ${lookUp('s.id', 'n.subscription_id')}
  WHERE CASE WHEN $1::uuid IS NULL THEN n.due_at <= now() ELSE n.subscription_id = $1 AND (n.due_at <= now() OR n.position IS NULL) END
  ORDER BY n.due_at LIMIT 1
  FOR UPDATE OF n SKIP LOCKED
) n
WHERE t.subscription_id = n.subscription_id
RETURNING t.subscription_id AS "subscriptionId", t.changed_at::text AS "changedAt", t.position, n.verb`;

interface LeasedSettlement {
  subscriptionId: string;
  /** As text, to keep the microseconds. */
  changedAt: string;
  position: string | null;
  verb: Verb | null;
}

// If the state has changed meanwhile, neither statement does anything, because the change began a new walk.
const GO_ON = `UPDATE settlements SET position = $3, due_at = now() WHERE subscription_id = $1 AND changed_at = $2`;
const END_WALK = `
WITH ended AS (
  DELETE FROM settlements
  WHERE subscription_id = $1 AND changed_at = $2 AND walk_at >= changed_at + interval '${SETTLES_SECONDS} seconds'
  RETURNING subscription_id
)
UPDATE settlements t SET position = NULL, walk_at = n.at, due_at = n.at
FROM (SELECT now() + greatest(now() - $2::timestamptz, interval '1 second') AS at) n
WHERE t.subscription_id = $1 AND t.changed_at = $2 AND NOT EXISTS (SELECT FROM ended)`;

/** Makes one step of the settlement that has been due for longest, or of one subscription. Looks at `atOnce`
 *  deliveries at most.
 *  Returns what it did; null if no settlement is due or another process has leased it. Any number of processes may
 *  call it.
 *  The statement that changes the deliveries reads the state again, so a subscription that is resumed meanwhile
 *  loses nothing. */
export async function settleStep(
  pool: pg.Pool,
  { subscriptionId = null, ...options }: { subscriptionId?: string | null; atOnce?: number } = {},
): Promise<SettledStep | null> {
  const { rows } = await pool.query<LeasedSettlement>(LEASE, [subscriptionId]);
  const [leased] = rows;
  if (!leased) return null;
  const { verb, changedAt, position: after } = leased;
  const { position, count } =
    verb === null
      ? { position: null, count: 0 }
      : await VERBS[verb](pool, { ...options, subscriptionId: leased.subscriptionId, after });
  if (position === null) await pool.query(END_WALK, [leased.subscriptionId, changedAt]);
  else await pool.query(GO_ON, [leased.subscriptionId, changedAt, position]);
  return { subscriptionId: leased.subscriptionId, verb, count };
}

/** Settles a subscription again and makes one step. For a pending delivery that an earlier settlement missed. */
export async function settleAgain(pool: pg.Pool, { subscriptionId }: { subscriptionId: string }): Promise<void> {
  await pool.query(
    // Lock the subscription first, like a change of its state. If another transaction holds the lock, that one settles
    // it.
    `INSERT INTO settlements (subscription_id) SELECT id FROM subscriptions WHERE id = $1 FOR KEY SHARE SKIP LOCKED ON CONFLICT DO NOTHING`,
    [subscriptionId],
  );
  await settleStep(pool, { subscriptionId });
}
