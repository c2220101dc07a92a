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

/** Deliveries of an account, newest first. */
export async function listDeliveries(pool: pg.Pool, wanted: DeliveriesWanted): Promise<ListedDelivery[]> {
  const { text, values } = statementOf(wanted);
  const { rows } = await pool.query<ListedDelivery>(
    `SELECT * FROM (${text}) listed ORDER BY id DESC LIMIT ${wanted.limit}`,
    values,
  );
  return rows;
}

/** How many that list has in all, counted no further than `limit`: it goes the same ways, and stops there. */
export async function countListed(pool: pg.Pool, wanted: DeliveriesWanted): Promise<number> {
  const { text, values } = statementOf(wanted);
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM (SELECT FROM (${text}) listed LIMIT ${wanted.limit}) counted`,
    values,
  );
  return rows[0]?.count ?? 0;
}

/** All that is wanted, in no order, as many as are wanted of each way at most.
 *
 *  Each way that this goes is one range of one index, in the order of the list, so it reads about as many rows as it shows,
 *  however many there are: of each status, outcome or trigger asked for (deliveries_unsettled_idx, …_outcome_idx,
 *  …_trigger_idx; what is usual is found soon in deliveries_account_id_id_idx), of each status of a recovery, of each
 *  subscription, of each event type, of each type of each subscription. What else was asked for is filtered. Those values stand in
 *  the text: Postgres plans without knowing parameters, and so would not know that a partial index has them. */
function statementOf(wanted: DeliveriesWanted): { text: string; values: unknown[] } {
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

  const ofStatus = (recoveryId ? (statuses ?? STATUSES) : statuses)?.map((status) => `d.status = '${status}'`);
  const ofOutcome = outcomes?.map((outcome) => `d.last_outcome = '${outcome}'`);
  const ofTrigger = triggers?.map((trigger) => `d.last_trigger = '${trigger}'`);
  if (recoveryId) filters.push(`d.recovery_id = ${value(recoveryId)}::uuid`);
  // One of these leads, the others filter: the ways of all of them together would be too many.
  const leading = recoveryId ? ofStatus : (ofOutcome ?? ofTrigger ?? ofStatus);
  for (const conditions of [ofStatus, ofOutcome, ofTrigger]) {
    if (conditions && conditions !== leading) filters.push(`(${conditions.join(' OR ')})`);
  }
  const leads = unique(leading ?? ['true']);
  const subscriptions = unique(subscriptionIds ?? []).map((id) => `${value(id)}::uuid`);
  // Nothing is handed over that the text does not use: Postgres could not know its type.
  const wantedTypes = eventId !== undefined || leads.some(isRare) ? [] : unique(eventTypes ?? []);
  const areTooMany = wantedTypes.length * Math.max(subscriptions.length, 1) * leads.length > MAX_WAYS;
  const types = areTooMany ? [] : wantedTypes.map(value);
  const where = filters.map((filter) => ` AND ${filter}`).join('');
  const ofSubscriptions = subscriptionIds ? ` AND d.subscription_id IN (${subscriptions.join(', ')})` : '';

  const way = (conditions: string[], order: string[]) =>
    `(SELECT ${COLUMNS} FROM deliveries d WHERE ${conditions.join(' AND ')}${where}
      ORDER BY ${order.map((column) => `d.${column} DESC`).join(', ')} LIMIT ${limit})`;
  const isOne = (column: string, one: string) => `d.${column} >= ${one} AND d.${column} <= ${one}`;
  /** The ways of one lead: of each subscription and each type, unless what is rare leads, or they would be too many. A range of one,
   *  and the account as no condition of an index, leave the index of a subscription as the only way in this order: Postgres, who
   *  does not know which one is asked for, would go through the deliveries of all until it has enough. */
  const waysOf = (lead: string): string[] => {
    const ways =
      subscriptions.length === 0
        ? types.map((type) => way([isOurs, lead, isOne('event_type', type)], ['account_id', 'event_type', 'id']))
        : subscriptions.flatMap((id) => {
            const isOfIt = [`(${isOurs}) IS TRUE`, lead, isOne('subscription_id', id)];
            return types.length === 0
              ? way(isOfIt, ['subscription_id', 'id'])
              : types.map((type) =>
                  way([...isOfIt, isOne('event_type', type)], ['subscription_id', 'event_type', 'id']),
                );
          });
    return isRare(lead) || ways.length === 0 || ways.length * leads.length > MAX_WAYS
      ? [way([isOurs, `${lead}${ofSubscriptions}`], ['id'])]
      : ways;
  };
  // An event has few: they are found by it and sorted.
  const text = eventId
    ? `SELECT * FROM (
         SELECT ${COLUMNS} FROM deliveries d
         WHERE d.event_id = ${value(eventId)}::uuid AND ${isOurs}${where}${ofSubscriptions} AND (${leads.join(' OR ')}) OFFSET 0
       ) of_event`
    : leads.flatMap(waysOf).join('\nUNION ALL\n');
  return { text, values };
}

/** Of a status, an outcome or a trigger that a partial index has. */
const isRare = (way: string): boolean => /= '(?!(?:succeeded|ok|auto)')/.test(way);

const unique = <T>(items: T[]): T[] => [...new Set(items)];

const rangeOf = ({ from = new Date(0), to = new Date(0) }: DeliveriesWanted) => ({ since: from, until: to });
