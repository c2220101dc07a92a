import { type OperationalEvent, isOperational, toTypeId } from '@posthorn/contract';
import type pg from 'pg';
import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { type NewEvent, insertEvents } from '../publish/insert-events.js';
import { enqueueInserted } from '../publish/enqueue-inserted.js';
import { idTime, newId } from '../id.js';
import { advise } from './advise.js';
import type { PendingOperationalEvent } from './pending-operational-event.js';

const AT_ONCE = 500;

// Uses the keys of operational_events, subscriptions and deliveries, and attempts_delivery_id_number_idx. Operational
// events of a deleted account find no subscription and are dropped.
const TAKE = `
WITH taken AS (
  DELETE FROM operational_events WHERE id = ANY (ARRAY(SELECT id FROM operational_events ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING *
)
SELECT t.type, t.account_id AS "accountId", t.subscription_id AS "subscriptionId", s.url, t.detail,
  s.failing_since AS "failingSince", t.created_at AS "createdAt",
  CASE WHEN d.id IS NOT NULL AND a.id IS NOT NULL THEN json_build_object(
    'id', d.id, 'eventId', d.event_id, 'eventType', d.event_type, 'reason', d.status_reason, 'attemptCount', d.attempt_count,
    'number', a.number, 'outcome', a.outcome, 'statusCode', a.status_code, 'startedAt', a.started_at
  ) END AS delivery
FROM taken t
JOIN subscriptions s ON s.id = t.subscription_id AND s.account_id = t.account_id
LEFT JOIN deliveries d ON d.id = t.delivery_id AND d.account_id = t.account_id
LEFT JOIN LATERAL (
  SELECT * FROM attempts WHERE delivery_id = d.id AND account_id = t.account_id ORDER BY number DESC LIMIT 1
) a ON true
WHERE t.account_id <> $2
ORDER BY t.id`;

/** Publishes operational events as events of the operations account, and enqueues their deliveries. Taking an
 *  operational event and storing its event is one transaction: none is lost or duplicated, and any number of
 *  processes may run it.
 *  Operational events about the operations account's own subscriptions are dropped, because they would cause an
 *  endless loop. Without such an account all are dropped.
 *  Returns how many events were stored. If that was many, call it again at once. */
export async function publishOperationalEvents(
  { db, enqueue }: Pick<Deps, 'db' | 'enqueue'>,
  { operationsAccount, limit = AT_ONCE }: { operationsAccount: string; limit?: number },
): Promise<number> {
  // Operational events are rare, so a round usually costs one look at an empty table, without a transaction.
  const { rowCount } = await db.pool.query('SELECT FROM operational_events LIMIT 1');
  if (rowCount === 0) return 0;
  const inserted = await inTransaction(db.pool, async (client) => {
    const events = (await takePending(client, { operationsAccount, limit })).map((pending) =>
      toEvent(pending, operationsAccount),
    );
    const stored = events.length === 0 ? [] : await insertEvents(client, events);
    // The operational events stay for the next round.
    if (stored.some(({ account }) => account === 'locked')) throw new Error('the operations account is locked');
    return stored;
  });
  await enqueueInserted({ db, enqueue }, inserted);
  return inserted.filter(({ accepted }) => accepted).length;
}

async function takePending(
  client: pg.PoolClient,
  { operationsAccount, limit }: { operationsAccount: string; limit: number },
): Promise<PendingOperationalEvent[]> {
  const { rows } = await client.query<PendingOperationalEvent>(TAKE, [limit, operationsAccount]);
  return rows.filter(({ type, delivery }) => isOperational(type) && (type !== 'delivery:failed' || delivery !== null));
}

function toEvent(pending: PendingOperationalEvent, operationsAccount: string): NewEvent {
  const id = newId();
  const { event, payload } = describe(pending);
  return {
    id,
    accountId: operationsAccount,
    frozen: { type: event, body: Buffer.from(JSON.stringify({ event, payload })), suppressed: false },
    createdAt: idTime(id),
    idempotency: null,
  };
}

function describe(pending: PendingOperationalEvent): OperationalEvent {
  const { type, detail, delivery } = pending;
  const subject = {
    accountId: pending.accountId,
    subscriptionId: toTypeId('sub', pending.subscriptionId),
    receiverHost: new URL(pending.url).host,
  };
  const end = { at: pending.createdAt.toISOString(), advice: advise(pending) };
  const failingSince = isoOrNull(detail.failingSince) ?? pending.failingSince?.toISOString() ?? null;
  switch (type) {
    case 'subscription:disabled': {
      const reason = detail.reason === 'failing' || detail.reason === 'gone' ? detail.reason : 'manual';
      return { event: type, payload: { ...subject, reason, failingSince, ...end } };
    }
    case 'subscription:failing': {
      const since = failingSince ?? end.at;
      return { event: type, payload: { ...subject, percent: detail.percent ?? 50, failingSince: since, ...end } };
    }
    case 'subscription:recovered':
      return { event: type, payload: { ...subject, ...end } };
    case 'delivery:failed': {
      if (!delivery) throw new Error('a delivery:failed event without its delivery');
      const { number, outcome, statusCode } = delivery;
      const startedAt = new Date(delivery.startedAt).toISOString();
      return {
        event: type,
        payload: {
          ...subject,
          deliveryId: toTypeId('dlv', delivery.id),
          eventId: toTypeId('evt', delivery.eventId),
          eventType: delivery.eventType,
          reason: delivery.reason === 'gone' ? 'gone' : 'exhausted',
          attemptCount: delivery.attemptCount,
          lastAttempt: { number, outcome, statusCode, startedAt },
          ...end,
        },
      };
    }
    default:
      return type satisfies never;
  }
}

/** Postgres writes times into JSON in its own format. */
const isoOrNull = (text: string | undefined): string | null =>
  text === undefined ? null : new Date(text).toISOString();
