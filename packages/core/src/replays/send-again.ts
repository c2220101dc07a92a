import type pg from 'pg';
import { KEEP_LAST_ATTEMPTS } from '../deliveries/attempt-columns.js';
import type { DeliveryStatus } from '../generated/prisma/client.js';
import type { Found, Target } from './find-replayable.js';
import type { ReplayFilter } from './replay-filter.js';

interface Batch {
  replayId: string;
  filter: Pick<ReplayFilter, 'which' | 'statuses'>;
  target: Target;
  found: Found[];
}

/** Makes the found deliveries pending (held if their subscription is paused). Returns how many. Skips deliveries whose status changed after the
 *  search. */
export async function sendAgain(client: pg.PoolClient, { replayId, filter, target, found }: Batch): Promise<number> {
  const { which, statuses } = filter;
  if (which === 'failed')
    await lock(
      client,
      found.map(({ id }) => id),
    );
  let count = 0;
  for (const isPaused of [false, true]) {
    const ids = found.filter((one) => one.isPaused === isPaused).map(({ id }) => id);
    if (ids.length === 0) continue;
    count +=
      which === 'failed'
        ? await sendFailed(client, { replayId, ids, isPaused, statuses })
        : await sendMissed(client, { replayId, ids, isPaused, target });
  }
  return count;
}

interface Part {
  replayId: string;
  ids: string[];
  isPaused: boolean;
}

async function sendFailed(
  client: pg.PoolClient,
  { replayId, ids, isPaused, statuses }: Part & { statuses: DeliveryStatus[] },
): Promise<number> {
  const { rows } = await client.query<{ count: number }>({
    name: 'replay-failed',
    text: SEND_FAILED,
    values: [replayId, ids, isPaused, statuses],
  });
  return rows[0]?.count ?? 0;
}

async function sendMissed(
  client: pg.PoolClient,
  { replayId, ids, isPaused, target }: Part & { target: Target },
): Promise<number> {
  const { rows } = await client.query<{ count: number }>({
    name: 'replay-missed',
    text: SEND_MISSED,
    values: [replayId, ids, isPaused, target.subscriptionId, target.accountId],
  });
  return rows[0]?.count ?? 0;
}

/** Locks deliveries in both tables, in the order of their ids, as record-attempts.ts does: so it waits for results that are being recorded.
 *  A delivery may move to the other table meanwhile; the next round finds it there. */
async function lock(client: pg.PoolClient, ids: string[]): Promise<void> {
  for (let look = 1, locked = 0; look <= LOOKS && locked < ids.length; look += 1) {
    const { rowCount } = await client.query({ name: 'lock-deliveries', text: LOCK, values: [ids] });
    locked = rowCount ?? 0;
  }
}

const LOOKS = 3;
const LOCK = `
WITH finished AS (SELECT id FROM finished_deliveries WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE),
pending AS (SELECT id FROM pending_deliveries WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE)
SELECT id FROM finished UNION ALL SELECT id FROM pending`;

// An attempt that a person requested stays requested.
const SEND_FAILED = `
WITH leaving AS (
  DELETE FROM finished_deliveries d WHERE d.id = ANY ($2::uuid[]) AND d.status = ANY ($4::delivery_status[]) RETURNING d.*
),
kept AS (${KEEP_LAST_ATTEMPTS}
),
returned AS (
  INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, attempt_count, created_at,
    last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at, status, due_at, requested_trigger, replay_id)
  SELECT id, account_id, event_id, event_type, subscription_id, attempt_count, created_at,
    last_outcome, last_trigger, last_status_code, last_duration_ms, last_attempt_at,
    CASE WHEN $3 THEN 'held'::delivery_status ELSE 'pending' END,
    CASE WHEN NOT $3 THEN now() END,
    CASE WHEN NOT $3 THEN 'replay'::attempt_trigger END,
    $1
  FROM leaving
  RETURNING id
),
requested AS (
  UPDATE pending_deliveries d SET
    status = CASE WHEN $3 THEN 'held'::delivery_status ELSE 'pending' END,
    status_reason = NULL,
    failure_count = 0,
    due_at = CASE WHEN NOT $3 THEN now() END,
    requested_trigger = CASE WHEN $3 THEN d.requested_trigger ELSE coalesce(d.requested_trigger, 'replay') END,
    leased_until = CASE WHEN $3 THEN d.leased_until END,
    completed_at = NULL,
    replay_id = $1
  WHERE d.id = ANY ($2::uuid[]) AND d.status = ANY ($4::delivery_status[])
  RETURNING id
)
SELECT ((SELECT count(*) FROM returned) + (SELECT count(*) FROM requested))::int AS count`;

// A committed event has all deliveries that it was published with. The caller holds the subscription's lock, so no other replay adds one.
const SEND_MISSED = `
WITH made AS (
  INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, created_at, status, due_at, requested_trigger, replay_id)
  SELECT posthorn_delivery_id(e.id), e.account_id, e.id, e.type, $4, e.created_at,
    CASE WHEN $3 THEN 'held'::delivery_status ELSE 'pending' END,
    CASE WHEN NOT $3 THEN now() END,
    CASE WHEN NOT $3 THEN 'replay'::attempt_trigger END,
    $1
  FROM events e WHERE e.account_id = $5 AND e.id = ANY ($2::uuid[]) ORDER BY e.id
  RETURNING id
)
SELECT count(*)::int AS count FROM made`;
