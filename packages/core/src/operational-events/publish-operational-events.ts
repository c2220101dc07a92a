import { ACCOUNT_NOTIFICATIONS, type OperationalEvent, isOperational, toTypeId } from '@posthorn/contract';
import type pg from 'pg';
import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import { type NewEvent, insertEvents } from '../publish/insert-events.js';
import { enqueueInserted } from '../publish/enqueue-inserted.js';
import { idTime, newId } from '../id.js';
import { queueEmails, type StateChange } from '../emails/queue-emails.js';
import { adviseOwner } from './advise-owner.js';
import { advise } from './advise.js';
import { type NewNotification, insertNotifications } from './insert-notifications.js';
import type { PendingOperationalEvent } from './pending-operational-event.js';

const AT_ONCE = 500;

// Uses the keys of operational_events, subscriptions and deliveries, and attempts_delivery_id_number_idx. Operational
// events of a deleted account find no subscription and are dropped.
const TAKE = `
WITH due AS (
  DELETE FROM operational_events WHERE id = ANY (ARRAY(SELECT id FROM operational_events ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING *
)
SELECT t.type, t.account_id AS "accountId", t.subscription_id AS "subscriptionId", s.url, t.detail,
  s.failing_since AS "failingSince", t.created_at AS "createdAt",
  CASE WHEN d.id IS NOT NULL AND a.id IS NOT NULL THEN json_build_object(
    'id', d.id, 'eventId', d.event_id, 'eventType', d.event_type, 'reason', d.status_reason, 'attemptCount', d.attempt_count,
    'number', a.number, 'outcome', a.outcome, 'statusCode', a.status_code, 'startedAt', a.started_at
  ) END AS delivery
FROM due t
JOIN subscriptions s ON s.id = t.subscription_id AND s.account_id = t.account_id
LEFT JOIN deliveries d ON d.id = t.delivery_id AND d.account_id = t.account_id
LEFT JOIN LATERAL (
  SELECT * FROM attempts WHERE delivery_id = d.id AND account_id = t.account_id ORDER BY number DESC LIMIT 1
) a ON true
WHERE t.account_id <> $2
ORDER BY t.id`;

export interface PublishOperationalEvents {
  operationsAccount: string;
  /** Whether there is a mail server. Without one, no email is stored. Default: false. */
  sendsEmails?: boolean;
  limit?: number;
}

/** Publishes operational events: as events of the operations account, as events for the webhooks of the account that each
 *  one is about, and as emails to its recipients. Enqueues their deliveries. Taking an operational event and storing its
 *  events is one transaction: none is lost or duplicated, and any number of processes may run it.
 *  There are no loops. Operational events about the operations account's own subscriptions are dropped. A webhook gets no
 *  event about itself, and the failed delivery of such an event causes no further one.
 *  Returns how many operational events were published. If it is not 0, there may be more. */
export async function publishOperationalEvents(
  { db, enqueue }: Pick<Deps, 'db' | 'enqueue'>,
  { operationsAccount, sendsEmails = false, limit = AT_ONCE }: PublishOperationalEvents,
): Promise<number> {
  // Operational events are rare, so a round usually costs one look at an empty table, without a transaction.
  const { rowCount } = await db.pool.query('SELECT FROM operational_events LIMIT 1');
  if (rowCount === 0) return 0;
  const { inserted, notified } = await inTransaction(db.pool, async (client) => {
    const pending = await takePending(client, { operationsAccount, limit });
    const events = pending.map((one) => toEvent(one, operationsAccount));
    const stored = events.length === 0 ? [] : await insertEvents(client, events);
    // The operational events stay for the next round.
    if (stored.some(({ account }) => account === 'locked')) throw new Error('the operations account is locked');
    if (sendsEmails) await queueEmails(client, pending.flatMap(stateChangeOf));
    const notifications = pending.filter(isForItsAccount).map(toNotification);
    return { inserted: stored, notified: await insertNotifications(client, notifications) };
  });
  await enqueueInserted({ db, enqueue }, inserted);
  return Math.max(inserted.filter(({ accepted }) => accepted).length, notified);
}

const isForItsAccount = ({ type, delivery }: PendingOperationalEvent): boolean =>
  ACCOUNT_NOTIFICATIONS.includes(type) && (delivery === null || !isOperational(delivery.eventType));

async function takePending(
  client: pg.PoolClient,
  { operationsAccount, limit }: { operationsAccount: string; limit: number },
): Promise<PendingOperationalEvent[]> {
  const { rows } = await client.query<PendingOperationalEvent>(TAKE, [limit, operationsAccount]);
  return rows.filter(({ type, delivery }) => isOperational(type) && (type !== 'delivery:failed' || delivery !== null));
}

function toEvent(pending: PendingOperationalEvent, operationsAccount: string): NewEvent {
  const id = newId();
  const { event, payload } = describe(pending, advise(pending));
  return {
    id,
    accountId: operationsAccount,
    frozen: { type: event, body: Buffer.from(JSON.stringify({ event, payload })), suppressed: false },
    createdAt: idTime(id),
    idempotency: null,
  };
}

function toNotification(pending: PendingOperationalEvent): NewNotification {
  const id = newId();
  const { accountId, subscriptionId } = pending;
  const { event, payload } = describe(pending, adviseOwner(pending));
  const body = Buffer.from(JSON.stringify({ event, payload }));
  return { id, accountId, subscriptionId, type: event, body, createdAt: idTime(id) };
}

/** One email per change of state. The second warning about a failing webhook is not a change. */
function stateChangeOf({ type, detail, ...pending }: PendingOperationalEvent): StateChange[] {
  if (type === 'delivery:failed' || (type === 'subscription:failing' && detail.isRepeated)) return [];
  const failingSince = isoOrNull(detail.failingSince) ?? pending.failingSince?.toISOString() ?? null;
  const at = pending.createdAt.toISOString();
  const { accountId, url } = pending;
  return [{ kind: type, accountId, host: new URL(url).host, reason: detail.reason ?? null, failingSince, at }];
}

function describe(pending: PendingOperationalEvent, advice: string): OperationalEvent {
  const { type, detail, delivery } = pending;
  const subject = {
    accountId: pending.accountId,
    subscriptionId: toTypeId('sub', pending.subscriptionId),
    endpointHost: new URL(pending.url).host,
  };
  const end = { at: pending.createdAt.toISOString(), advice };
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
