import type { Database } from '../database.js';
import { firstDeliveryOf } from '../deliveries/late-attempts.js';
import type { AttemptOutcome, AttemptTrigger, DeliveryStatus } from '../generated/prisma/client.js';
import type { Source, Wanted } from './source.js';

/** A new row in the ledger: a delivery or an attempt. */
export type Change =
  | {
      kind: 'delivery';
      id: string;
      accountId: string;
      subscriptionId: string;
      eventId: string;
      eventType: string;
      /** The current status, not the one at creation. */
      status: DeliveryStatus;
      createdAt: Date;
    }
  | {
      kind: 'attempt';
      id: string;
      accountId: string;
      subscriptionId: string;
      eventId: string;
      eventType: string;
      deliveryId: string;
      deliveryStatus: DeliveryStatus;
      number: number;
      trigger: AttemptTrigger;
      outcome: AttemptOutcome;
      statusCode: number | null;
      durationMs: number;
      startedAt: Date;
    };

/** The key of a new row. */
type ChangeId = { kind: 'delivery'; id: string } | { kind: 'attempt'; id: string; deliveryId: string; number: number };

/** Maximum number of rows per read. */
const MOST_READ = 2_000;

/** New deliveries and attempts. The filter: ids of subscriptions. */
export const CHANGES: Source<ChangeId, Change, string[]> = {
  find: findChanges,
  countReadable: (found) => Math.min(found.length, MOST_READ),
  read: readChanges,
  matches: (subscriptionIds, { subscriptionId }) => subscriptionIds.includes(subscriptionId),
};

// Reads only keys. Uses the primary keys or, for one account's deliveries, the indexes by account, and the indexes of
// late attempts. Attempts of all accounts are stored together, so a poll for one account reads past the others: polls
// go back minutes, not days. A delivery that a replay adds to an old event has an id of the event's time, so only its
// attempts are found.
const FIND = `
(SELECT 'delivery' AS kind, id, NULL::uuid AS "deliveryId", NULL::int AS number FROM deliveries
 WHERE id > $1 AND ($2::text[] IS NULL OR account_id = ANY ($2)) AND ($3::uuid[] IS NULL OR subscription_id = ANY ($3))
 ORDER BY id DESC LIMIT $4)
UNION ALL
(SELECT 'attempt', id, delivery_id, number FROM attempts
 WHERE delivery_id >= $5 AND id > $1 AND NOT is_late AND ($2::text[] IS NULL OR account_id = ANY ($2))
   AND ($3::uuid[] IS NULL OR subscription_id = ANY ($3))
 ORDER BY delivery_id DESC, number DESC LIMIT $4)
UNION ALL
(SELECT 'attempt', id, delivery_id, number FROM attempts
 WHERE is_late AND id > $1 AND ($2::text[] IS NULL OR account_id = ANY ($2)) AND ($3::uuid[] IS NULL OR subscription_id = ANY ($3))
 ORDER BY id DESC LIMIT $4)
ORDER BY id DESC LIMIT $4`;

async function findChanges(
  { pool }: Pick<Database, 'pool'>,
  { accountIds, filter, after }: Wanted<string[]>,
  limit: number,
): Promise<ChangeId[]> {
  const values = [after, accountIds, filter, limit, firstDeliveryOf(after)];
  const { rows } = await pool.query<ChangeId>(FIND, values);
  return rows;
}

type Row<Kind> = Omit<Extract<Change, { kind: Kind }>, 'kind'>;

const DELIVERIES = `
SELECT id, account_id AS "accountId", subscription_id AS "subscriptionId", event_id AS "eventId", event_type AS "eventType", status,
  created_at AS "createdAt"
FROM deliveries WHERE id = ANY ($1::uuid[])`;
const ATTEMPTS = `
SELECT a.id, a.account_id AS "accountId", a.subscription_id AS "subscriptionId", d.event_id AS "eventId", d.event_type AS "eventType",
  d.id AS "deliveryId", d.status AS "deliveryStatus", a.number, a.trigger, a.outcome, a.status_code AS "statusCode",
  a.duration_ms AS "durationMs", a.started_at AS "startedAt"
FROM unnest($1::uuid[], $2::int[]) AS wanted (delivery_id, number) JOIN deliveries d ON d.id = wanted.delivery_id
CROSS JOIN LATERAL (
  SELECT * FROM attempts a WHERE a.delivery_id = wanted.delivery_id AND a.number = wanted.number AND a.account_id = d.account_id OFFSET 0
) a`;

async function readChanges({ pool }: Pick<Database, 'pool'>, found: ChangeId[]): Promise<Change[]> {
  const deliveries = found.flatMap((one) => (one.kind === 'delivery' ? [one.id] : []));
  const attempts = found.flatMap((one) => (one.kind === 'attempt' ? [one] : []));
  const attemptKeys = [attempts.map(({ deliveryId }) => deliveryId), attempts.map(({ number }) => number)];
  const [newDeliveries, newAttempts] = await Promise.all([
    deliveries.length === 0 ? [] : pool.query<Row<'delivery'>>(DELIVERIES, [deliveries]).then(({ rows }) => rows),
    attempts.length === 0 ? [] : pool.query<Row<'attempt'>>(ATTEMPTS, attemptKeys).then(({ rows }) => rows),
  ]);
  const changes: Change[] = [
    ...newDeliveries.map((row) => ({ kind: 'delivery' as const, ...row })),
    ...newAttempts.map((row) => ({ kind: 'attempt' as const, ...row })),
  ];
  return changes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
