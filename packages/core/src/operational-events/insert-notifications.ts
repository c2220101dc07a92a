import type pg from 'pg';
import { bodyPassesFilter } from '../publish/passes-filter.js';
import { THIS_MINUTE } from '../stats/stat.js';
import { type Columns, unnest, valuesOf } from '../unnest.js';

/** An event of Posthorn for the webhooks of an account, about one of its other webhooks. */
export interface NewNotification {
  id: string;
  accountId: string;
  type: string;
  body: Buffer;
  createdAt: Date;
  /** The webhook that it is about. */
  subscriptionId: string;
}

const INPUT: Columns<NewNotification> = {
  id: ['uuid', ({ id }) => id],
  account_id: ['text', ({ accountId }) => accountId],
  type: ['text', ({ type }) => type],
  body: ['bytea', ({ body }) => body],
  created_at: ['timestamptz', ({ createdAt }) => createdAt],
  subject_id: ['uuid', ({ subscriptionId }) => subscriptionId],
};

// A webhook gets a notification only if it names the type: one that subscribes to all events, or to `subscription:*`, expects the events
// of its app. It gets none about itself, because it may be the failing one.
//
// `suppressed` excludes these events from replays of missed events.
//
// Uses the key of accounts and subscriptions_account_id_id_idx. A trigger wakes the dispatcher.
const INSERT = `
WITH input AS (
  SELECT * FROM ${unnest(INPUT, { alias: 'i', first: 1 })}
),
account AS (
  SELECT id FROM accounts WHERE id = ANY (ARRAY(SELECT account_id FROM input)) AND deleted_at IS NULL ORDER BY id FOR KEY SHARE
),
matched AS (
  SELECT i.id AS event_id, i.account_id, i.type, s.id AS subscription_id, s.status = 'active' AS is_active
  FROM input i JOIN account a ON a.id = i.account_id CROSS JOIN LATERAL (
    SELECT s.id, s.status FROM subscriptions s
    WHERE s.account_id = i.account_id AND s.id <> i.subject_id AND i.type = ANY (s.events)
      AND s.deleted_at IS NULL AND s.status IN ('active', 'paused') AND ${bodyPassesFilter('i.body')}
    OFFSET 0
  ) s
),
pending AS (
  INSERT INTO pending_deliveries (id, account_id, event_id, event_type, subscription_id, created_at, status, due_at)
  SELECT posthorn_delivery_id(event_id), account_id, event_id, type, subscription_id, now(),
    CASE WHEN is_active THEN 'pending'::delivery_status ELSE 'held' END, CASE WHEN is_active THEN now() END
  FROM matched
),
stored AS (
  INSERT INTO events (id, account_id, type, body, delivery_count, suppressed, created_at)
  SELECT i.id, i.account_id, i.type, i.body, m.count, true, i.created_at
  FROM input i JOIN (SELECT event_id, count(*)::int AS count FROM matched GROUP BY event_id) m ON m.event_id = i.id
  RETURNING account_id, type
),
counted AS (
  INSERT INTO stat_deltas (account_id, event_type, at, count)
  SELECT account_id, type, ${THIS_MINUTE}, count(*) FROM stored GROUP BY account_id, type
)
SELECT count(*)::int AS count FROM stored`;

/** Stores each notification that a webhook subscribes to, with its deliveries. Returns how many were stored. */
export async function insertNotifications(client: pg.PoolClient, notifications: NewNotification[]): Promise<number> {
  if (notifications.length === 0) return 0;
  const { rows } = await client.query<{ count: number }>(INSERT, valuesOf(INPUT, notifications));
  return rows[0]?.count ?? 0;
}
