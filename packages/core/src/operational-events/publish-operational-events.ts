import { type OperationalEvent, isOperational, toTypeId } from '@posthorn/contract';
import type pg from 'pg';
import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { type NewEvent, insertEvents } from '../publish/insert-events.js';
import { tellQueue } from '../publish/tell-queue.js';
import { idTime, newId } from '../id.js';
import { advise } from './advise.js';
import type { PendingOperationalEvent } from './pending-operational-event.js';

const AT_ONCE = 500;

// Leans on the keys of operational_events, subscriptions and deliveries, and on attempts_delivery_id_number_idx. One whose account
// was deleted meanwhile finds no subscription, and goes without a word.
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

/** Turns what operators are to be told into events of their account, and tells the queue. Taking an operational event and storing its
 *  event is one transaction: none is lost, none is told twice, and any number may run at the same time.
 *  What happens to the operations account's own subscriptions is told to nobody: it would make events without end. Without
 *  such an account all of them are dropped. Returns how many events were stored; call it again at once when that was many. */
export async function publishOperationalEvents(
  { db, enqueue }: Pick<Deps, 'db' | 'enqueue'>,
  { operationsAccount, limit = AT_ONCE }: { operationsAccount: string; limit?: number },
): Promise<number> {
  // There is hardly ever one: this round costs a look at an empty table, and no transaction.
  const { rowCount } = await db.pool.query('SELECT FROM operational_events LIMIT 1');
  if (rowCount === 0) return 0;
  const inserted = await inTransaction(db.pool, async (client) => {
    const events = (await takePending(client, { operationsAccount, limit })).map((pending) =>
      toEvent(pending, operationsAccount),
    );
    const stored = events.length === 0 ? [] : await insertEvents(client, events);
    // They stay for the next round.
    if (stored.some(({ account }) => account === 'locked')) throw new Error('the operations account is locked');
    return stored;
  });
  await tellQueue({ db, enqueue }, inserted);
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
      if (!delivery) throw new Error('an operational event of a failed delivery without one');
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

/** Postgres writes times into JSON in a form of its own. */
const isoOrNull = (text: string | undefined): string | null =>
  text === undefined ? null : new Date(text).toISOString();
