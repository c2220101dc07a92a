import type pg from 'pg';
import { type Batch, openBatch } from '../batch.js';
import { IS_DEFERRED_BY_CIRCUIT } from '../throttle/circuit-breaker.js';
import { IS_TURN_OVER } from '../deliveries/strict-order.js';
import type { LoadedDelivery } from '../deliveries/delivery.js';
import { leaseOf } from '../deliveries/lease.js';

// Uses the keys of pending_deliveries, events, subscriptions and accounts, and secrets_subscription_id_idx. OFFSET 0
// keeps the planner, which overestimates the number of deliveries, from joining whole tables.
const LOAD = `
SELECT d.id, d.account_id AS "accountId", d.event_id AS "eventId", d.event_type AS "eventType", e.body, d.status,
  d.attempt_count AS "attemptCount", d.failure_count AS "failureCount", d.requested_trigger AS "requestedTrigger", d.replay_id AS "replayId",
  ${leaseOf('d.leased_until')} AS "leasedUntil",
  (extract(epoch FROM d.due_at - now()) * 1000)::float8 AS "dueInMs",
  (extract(epoch FROM now() - d.created_at) * 1000)::float8 AS "publishedMsAgo",
  s.id AS "subscriptionId", s.url, s.status AS "subscriptionStatus", s.deleted_at IS NOT NULL OR a.deleted_at IS NOT NULL AS "isDeleted",
  ${IS_DEFERRED_BY_CIRCUIT} AS "isDeferredByCircuit", ${IS_TURN_OVER} AS "isTurnOver",
  s.headers_sealed AS "headersSealed", s.authentication_sealed AS "authenticationSealed",
  s.certificate_authorities AS "certificateAuthorities", s.retry_schedule AS "retrySchedule", s.timeout_ms AS "timeoutMs",
  ARRAY(
    SELECT k.sealed FROM secrets k
    WHERE k.subscription_id = s.id AND (k.expires_at IS NULL OR k.expires_at > now())
    ORDER BY k.expires_at DESC NULLS FIRST
  ) AS "secretsSealed"
FROM unnest($1::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (SELECT * FROM pending_deliveries WHERE id = wanted.id OFFSET 0) d
CROSS JOIN LATERAL (SELECT body FROM events WHERE account_id = d.account_id AND id = d.event_id OFFSET 0) e
CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE id = d.subscription_id OFFSET 0) s
CROSS JOIN LATERAL (SELECT deleted_at FROM accounts WHERE id = s.account_id OFFSET 0) a`;

/** Loads what the attempts of these deliveries need, in one statement and in the given order. null: finished or
 *  deleted. */
export async function loadDeliveries(pool: pg.Pool, ids: string[]): Promise<(LoadedDelivery | null)[]> {
  const { rows } = await pool.query<LoadedDelivery>({ name: 'load-deliveries', text: LOAD, values: [ids] });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** Loads one delivery per call; concurrent calls share a statement. `observe` gets the number of calls that shared
 *  it. */
export const openLoads = (pool: pg.Pool, observe: (size: number) => void): Batch<string, LoadedDelivery | null> =>
  openBatch({ maxSize: 500, maxRuns: 2, run: (ids) => loadDeliveries(pool, ids), observe });
