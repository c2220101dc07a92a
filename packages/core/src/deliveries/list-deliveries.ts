import type pg from 'pg';
import type { AttemptOutcome, AttemptTrigger, Delivery, DeliveryStatus } from '../generated/prisma/client.js';
import { idsAround } from '../recoveries/recovery.js';

export interface DeliveriesWanted {
  accountId: string;
  /** Each of these: any of them. */
  subscriptionIds?: string[] | undefined;
  eventTypes?: string[] | undefined;
  statuses?: DeliveryStatus[] | undefined;
  /** Of the last attempt. */
  outcomes?: AttemptOutcome[] | undefined;
  triggers?: AttemptTrigger[] | undefined;
  eventId?: string | undefined;
  recoveryId?: string | undefined;
  /** Created from then on, and before then. */
  from?: Date | undefined;
  to?: Date | undefined;
  /** Only what comes after this one in the list. */
  beforeId?: string | undefined;
  limit: number;
}

export type ListedDelivery = Omit<Delivery, 'askedTrigger' | 'failureCount' | 'feedAt' | 'recoveryId'>;

const COLUMNS = `d.id, d.account_id AS "accountId", d.event_id AS "eventId", d.event_type AS "eventType",
  d.subscription_id AS "subscriptionId", d.status, d.status_reason AS "statusReason", d.attempt_count AS "attemptCount",
  d.due_at AS "dueAt", d.created_at AS "createdAt", d.completed_at AS "completedAt", d.last_outcome AS "lastOutcome",
  d.last_trigger AS "lastTrigger", d.last_status_code AS "lastStatusCode", d.last_duration_ms AS "lastDurationMs",
  d.last_attempt_at AS "lastAttemptAt"`;

const STATUSES: DeliveryStatus[] = ['pending', 'held', 'succeeded', 'failed', 'canceled'];
/** Ways that one statement goes at most. */
const MAX_WAYS = 30;

/** Deliveries of an account, newest first.
 *
 *  Each way that this goes is one range of one index, in the order of the list, so it reads about as many rows as it shows,
 *  however many there are: of each status, outcome or trigger asked for (deliveries_unsettled_idx, …_outcome_idx,
 *  …_trigger_idx; what is usual is found soon in deliveries_account_id_id_idx), of each status of a recovery, of each
 *  subscription. What else was asked for is filtered. Those values stand in the text: Postgres plans without knowing
 *  parameters, and so would not know that a partial index has them. */
export async function listDeliveries(pool: pg.Pool, wanted: DeliveriesWanted): Promise<ListedDelivery[]> {
  const { accountId, subscriptionIds, eventTypes, statuses, outcomes, triggers, eventId, recoveryId, limit } = wanted;
  const values: unknown[] = [];
  const value = (one: unknown): string => `$${values.push(one)}`;

  const isOurs = `d.account_id = ${value(accountId)}`;
  const filters: string[] = [];
  if (eventTypes) filters.push(`d.event_type = ANY (${value(eventTypes)}::text[])`);
  if (wanted.beforeId !== undefined) filters.push(`d.id < ${value(wanted.beforeId)}::uuid`);
  if (wanted.from) {
    filters.push(`d.created_at >= ${value(wanted.from)}`, `d.id >= ${value(idsAround(rangeOf(wanted)).from)}::uuid`);
  }
  if (wanted.to) {
    filters.push(`d.created_at < ${value(wanted.to)}`, `d.id < ${value(idsAround(rangeOf(wanted)).to)}::uuid`);
  }

  let ways: string[] = [];
  const either = (conditions: string[]) => filters.push(`(${conditions.join(' OR ')})`);
  /** Goes each way there is in as many as there are `conditions`. */
  const each = (conditions: string[]) => {
    const before = ways.length === 0 ? [''] : ways.map((way) => `${way} AND `);
    if (before.length * conditions.length > MAX_WAYS) either(conditions);
    else ways = before.flatMap((way) => conditions.map((condition) => `${way}${condition}`));
  };
  const ofStatus = (recoveryId ? (statuses ?? STATUSES) : statuses)?.map((status) => `d.status = '${status}'`);
  const ofOutcome = outcomes?.map((outcome) => `d.last_outcome = '${outcome}'`);
  const ofTrigger = triggers?.map((trigger) => `d.last_trigger = '${trigger}'`);
  if (recoveryId) filters.push(`d.recovery_id = ${value(recoveryId)}::uuid`);
  // One of these leads, the others filter: the ways of all of them together would be too many.
  const leading = recoveryId ? ofStatus : (ofOutcome ?? ofTrigger ?? ofStatus);
  for (const conditions of [ofStatus, ofOutcome, ofTrigger]) {
    if (conditions) (conditions === leading ? each : either)(unique(conditions));
  }
  if (subscriptionIds) each(unique(subscriptionIds).map((id) => `d.subscription_id = ${value(id)}::uuid`));

  // Through one subscription, unless what is rare leads: told that the account is another condition on an index, Postgres goes
  // through all of the account's, and a subscription may have none that is new.
  const accountOf = (way: string) => (way.includes('subscription_id') && !isRare(way) ? `(${isOurs}) IS TRUE` : isOurs);
  if (ways.length === 0) ways.push('true');
  const where = filters.map((filter) => ` AND ${filter}`).join('');
  // An event has few: they are found by it and sorted.
  const text = eventId
    ? `SELECT * FROM (
         SELECT ${COLUMNS} FROM deliveries d WHERE d.event_id = ${value(eventId)}::uuid AND ${isOurs}${where} AND (${ways.join(' OR ')}) OFFSET 0
       ) of_event`
    : ways
        .map(
          (way) =>
            `(SELECT ${COLUMNS} FROM deliveries d WHERE ${accountOf(way)} AND ${way}${where} ORDER BY d.id DESC LIMIT ${limit})`,
        )
        .join('\nUNION ALL\n');
  const { rows } = await pool.query<ListedDelivery>(
    `SELECT * FROM (${text}) listed ORDER BY id DESC LIMIT ${limit}`,
    values,
  );
  return rows;
}

/** Of a status, an outcome or a trigger that a partial index has. */
const isRare = (way: string): boolean => /= '(?!(?:succeeded|ok|auto)')/.test(way);

const unique = <T>(items: T[]): T[] => [...new Set(items)];

const rangeOf = ({ from = new Date(0), to = new Date(0) }: DeliveriesWanted) => ({ since: from, until: to });
