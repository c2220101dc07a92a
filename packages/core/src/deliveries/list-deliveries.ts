import type pg from 'pg';
import type { AttemptOutcome, AttemptTrigger, Delivery, DeliveryStatus } from '../generated/prisma/client.js';
import { type Page, type Param, type Range, type WantedPage, pageOf, selectNewest } from '../newest-first.js';
import { isOfEvent } from './tables.js';

export interface DeliveriesWanted extends WantedPage {
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
}

export type ListedDelivery = Omit<Delivery, 'askedTrigger' | 'failureCount' | 'feedAt' | 'recoveryId'>;

/** A delivery of either table, or of both. */
const COLUMNS = `d.id, d.account_id AS "accountId", d.event_id AS "eventId", d.event_type AS "eventType",
  d.subscription_id AS "subscriptionId", d.status, d.status_reason AS "statusReason", d.attempt_count AS "attemptCount",
  d.due_at AS "dueAt", d.created_at AS "createdAt", d.completed_at AS "completedAt", d.last_outcome AS "lastOutcome",
  d.last_trigger AS "lastTrigger", d.last_status_code AS "lastStatusCode", d.last_duration_ms AS "lastDurationMs",
  d.last_attempt_at AS "lastAttemptAt"`;

const STATUSES: DeliveryStatus[] = ['pending', 'held', 'succeeded', 'failed', 'canceled'];
/** A subscription or type more, and it is no way of its own but a filter. */
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

type Table = 'pending_deliveries' | 'finished_deliveries';
const TABLES: Table[] = ['pending_deliveries', 'finished_deliveries'];

/** All that is wanted, in no order, at most `limit` of each way.
 *
 *  Each way is one range of one index, in the order of that index (newest-first.ts). Both tables have each of these indexes:
 *
 *    led by                          a way for                                             index
 *    a recovery                      each status                                           recovery
 *    outcomes, triggers or statuses  each of them but the usual one                        outcome, trigger, status
 *    the usual one, or nothing       each subscription, each type, each type of each       subscription_id_id, …_event_type_id
 *
 *  What does not lead is a filter. The usual one has no index, since most deliveries have it. Types have indexes only where deliveries are
 *  many, among the finished ones. An event has few deliveries: they are found by their ids and sorted. */
function statementOf(wanted: DeliveriesWanted): { text: string; values: unknown[] } {
  const values: unknown[] = [];
  const param = (one: unknown): string => `$${values.push(one)}`;
  const filters = filtersOf(wanted, param);
  const page = pageOf(wanted, param);
  const text = wanted.eventId
    ? ofEvent(param(wanted.eventId), filters, page)
    : TABLES.flatMap((table) =>
        waysOf(table, filters).map((way) => `(${selectNewest({ table, select: SELECT[table], ...way }, page)})`),
      ).join('\nUNION ALL\n');
  return { text, values };
}

const SELECT: Record<Table, string> = {
  pending_deliveries: COLUMNS,
  finished_deliveries: COLUMNS.replace('d.due_at', 'NULL::timestamptz(3)'),
};

/** A column that may lead a list: all its values but the usual one have an index. */
interface Lead {
  column: string;
  type: string;
  /** null: all have. */
  usual: Record<Table, string | null>;
}
const OUTCOME: Lead = {
  column: 'last_outcome',
  type: 'attempt_outcome',
  usual: { pending_deliveries: null, finished_deliveries: 'ok' },
};
const TRIGGER: Lead = {
  column: 'last_trigger',
  type: 'attempt_trigger',
  usual: { pending_deliveries: null, finished_deliveries: 'auto' },
};
const STATUS: Lead = {
  column: 'status',
  type: 'delivery_status',
  usual: { pending_deliveries: 'pending', finished_deliveries: 'succeeded' },
};

/** What is asked for, as SQL. null: nothing of that kind. */
interface Filters {
  account: string;
  recovery: string | null;
  subscriptions: string[] | null;
  types: string[] | null;
  /** The first one leads, the others filter: the ways of all of them together would be too many. Their values stand in the text:
   *  Postgres plans without knowing parameters, and so would not know that a partial index has them. */
  leads: { lead: Lead; values: string[] }[];
}

function filtersOf(wanted: DeliveriesWanted, param: Param): Filters {
  const { recoveryId, subscriptionIds, eventTypes, outcomes, triggers, statuses } = wanted;
  const leads = [
    { lead: OUTCOME, ones: outcomes },
    { lead: TRIGGER, ones: triggers },
    { lead: STATUS, ones: statuses },
  ];
  return {
    account: param(wanted.accountId),
    recovery: recoveryId ? `${param(recoveryId)}::uuid` : null,
    subscriptions: subscriptionIds ? unique(subscriptionIds).map((id) => `${param(id)}::uuid`) : null,
    types: eventTypes ? unique(eventTypes).map(param) : null,
    leads: leads.flatMap(({ lead, ones }) => (ones ? [{ lead, values: unique<string>(ones) }] : [])),
  };
}

type Way = Pick<Range, 'columns' | 'conditions'>;

function waysOf(table: Table, filters: Filters): Way[] {
  const { account, recovery, leads } = filters;
  if (recovery) {
    const status = leads.find(({ lead }) => lead === STATUS);
    return (status?.values ?? STATUSES).map((one) => ({
      columns: { recovery_id: recovery, status: literal(STATUS, one) },
      conditions: ['d.recovery_id IS NOT NULL', isOurs('recoveries', recovery, filters), ...allOf(filters)],
    }));
  }
  const [first, ...others] = leads;
  if (!first) return usualWays(table, filters, []);
  const { lead, values } = first;
  const usual = lead.usual[table];
  const isUnusual = usual === null ? `d.${lead.column} IS NOT NULL` : `d.${lead.column} <> ${literal(lead, usual)}`;
  return values.flatMap((one): Way[] =>
    one === usual
      ? usualWays(table, filters, [isAnyOf(lead, [one]), ...allOf({ leads: others })])
      : [
          {
            columns: { account_id: account, [lead.column]: literal(lead, one) },
            conditions: [isUnusual, ...allOf({ ...filters, leads: others })],
          },
        ],
  );
}

function usualWays(table: Table, filters: Filters, conditions: string[]): Way[] {
  const { account, subscriptions, types } = filters;
  const bySubscription = subscriptions && subscriptions.length <= MAX_WAYS ? subscriptions : null;
  const byType =
    table === 'finished_deliveries' && types && types.length * (bySubscription?.length ?? 1) <= MAX_WAYS ? types : null;
  const ways = bySubscription
    ? bySubscription.map((id): Way => ({
        columns: { subscription_id: id },
        conditions: [isOurs('subscriptions', id, filters), ...conditions],
      }))
    : [{ columns: { account_id: account }, conditions: [...conditions, ...allOf({ subscriptions })] }];
  return byType
    ? ways.flatMap((way) => byType.map((type) => ({ ...way, columns: { ...way.columns, event_type: type } })))
    : ways.map((way) => ({ ...way, conditions: [...way.conditions, ...allOf({ types })] }));
}

function ofEvent(event: string, filters: Filters, page: Page): string {
  const conditions = [
    `${isOfEvent(`${event}::uuid`)} AND d.account_id = ${filters.account} AND d.id >= ${page.lowest} AND d.id < ${page.highest}`,
    ...(filters.recovery ? [`d.recovery_id = ${filters.recovery}`] : []),
    ...page.conditions,
    ...allOf(filters),
  ];
  return `SELECT * FROM (SELECT ${COLUMNS} FROM deliveries d WHERE ${conditions.join(' AND ')} OFFSET 0) of_event`;
}

function allOf({ subscriptions, types, leads = [] }: Partial<Filters>): string[] {
  return [
    ...(subscriptions ? [`d.subscription_id IN (${subscriptions.join(', ')})`] : []),
    ...(types ? [`d.event_type IN (${types.join(', ')})`] : []),
    ...leads.map(({ lead, values }) => isAnyOf(lead, values)),
  ];
}

/** That it is the account's. Asked once, and not of each delivery: Postgres would expect few of them, and sort all. */
const isOurs = (table: 'subscriptions' | 'recoveries', id: string, { account }: Filters): string =>
  `EXISTS (SELECT FROM ${table} o WHERE o.id = ${id} AND o.account_id = ${account})`;
const isAnyOf = (lead: Lead, values: string[]): string =>
  `d.${lead.column} IN (${values.map((one) => literal(lead, one)).join(', ')})`;
const literal = ({ type }: Lead, one: string): string => `'${one}'::${type}`;
const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];
