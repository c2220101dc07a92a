import type pg from 'pg';
import type { AttemptOutcome, AttemptTrigger, Delivery, DeliveryStatus } from '../generated/prisma/client.js';
import { orderOf, type Page, type Param, type WantedPage, pageOf, selectNewest } from '../newest-first.js';
import { isOfEvent } from '../delivery-tables.js';

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
  replayId?: string | undefined;
}

export type ListedDelivery = Omit<Delivery, 'askedTrigger' | 'failureCount' | 'leasedUntil' | 'replayId'>;

/** A delivery of either table, or of both. */
const COLUMNS = `d.id, d.account_id AS "accountId", d.event_id AS "eventId", d.event_type AS "eventType",
  d.subscription_id AS "subscriptionId", d.status, d.status_reason AS "statusReason", d.attempt_count AS "attemptCount",
  d.due_at AS "dueAt", d.created_at AS "createdAt", d.completed_at AS "completedAt", d.last_outcome AS "lastOutcome",
  d.last_trigger AS "lastTrigger", d.last_status_code AS "lastStatusCode", d.last_duration_ms AS "lastDurationMs",
  d.last_attempt_at AS "lastAttemptAt"`;

/** A subscription or type more, and it is no way of its own but a filter. */
const MAX_WAYS = 30;

/** How many rows of a range a page reads at most to find those that match a filter without an index. */
const LOOKED_AT = 1_000;

export interface ListedDeliveries {
  /** Newest first. */
  rows: ListedDelivery[];
  /** Set when the search stopped before it had `limit` rows or reached the end: the last id that it has read. The next page goes on behind it. */
  searchedTo: string | null;
}

/** Deliveries of an account, newest first. Where a filter has no index, only the newest LOOKED_AT rows of each range are read: so a page
 *  costs the same however few rows match. */
export async function listDeliveries(pool: pg.Pool, wanted: DeliveriesWanted): Promise<ListedDeliveries> {
  const { ways, values, page, unionOf } = waysTo(wanted);
  const { limit } = wanted;
  const list = `SELECT * FROM (${unionOf(ways.map((way) => selectWay(way, page, LOOKED_AT)))}) listed ORDER BY id DESC LIMIT ${limit}`;
  const searches = ways.filter(isSearch);
  if (searches.length === 0) return { rows: (await pool.query<ListedDelivery>(list, values)).rows, searchedTo: null };
  // In one statement, so both see the same rows: between two, deliveries move from one table to the other.
  const { rows } = await pool.query<(ListedDelivery | { id: null }) & { searchedTo: string | null }>(
    `WITH page AS MATERIALIZED (${list}),
     edge AS (
       SELECT id FROM (${unionOf(searches.map((way) => selectEdge(way, page, LOOKED_AT)))}) edges
       WHERE (SELECT count(*) FROM page) < ${limit} ORDER BY id DESC LIMIT 1
     )
     SELECT edge.id AS "searchedTo", page.* FROM (VALUES (1)) one LEFT JOIN edge ON true LEFT JOIN page ON true ORDER BY page.id DESC`,
    values,
  );
  const searchedTo = rows[0]?.searchedTo ?? null;
  // Beyond that id, only some of the ranges have been read.
  const found = rows.filter((row) => row.id !== null && (searchedTo === null || row.id >= searchedTo));
  return { rows: found as ListedDelivery[], searchedTo };
}

/** How many rows that list has in all, counted up to `limit`. Where a filter has no index, at most `limit` rows of each range are read.
 *  `isAll`: there are no more than were counted. */
export async function countListed(pool: pg.Pool, wanted: DeliveriesWanted): Promise<{ count: number; isAll: boolean }> {
  const { ways, values, page, unionOf } = waysTo(wanted);
  const searches = ways.filter(isSearch);
  const hasMore =
    searches.length === 0 ? 'false' : `EXISTS (${unionOf(searches.map((way) => selectEdge(way, page, wanted.limit)))})`;
  const { rows } = await pool.query<{ count: number; hasMore: boolean }>(
    `SELECT count(*)::int AS count, ${hasMore} AS "hasMore"
     FROM (SELECT FROM (${unionOf(ways.map((way) => selectWay(way, page, wanted.limit)))}) listed LIMIT ${wanted.limit}) counted`,
    values,
  );
  const { count = 0, hasMore: isLeft = false } = rows[0] ?? {};
  return { count, isAll: count < wanted.limit && !isLeft };
}

type Table = 'pending_deliveries' | 'finished_deliveries';
const TABLES: Table[] = ['pending_deliveries', 'finished_deliveries'];
/** Those that a delivery of the table may have. A finished one of which an attempt is asked for is among the pending ones. */
const STATUSES: Record<Table, DeliveryStatus[]> = {
  pending_deliveries: ['pending', 'held', 'succeeded', 'failed', 'canceled'],
  finished_deliveries: ['succeeded', 'failed', 'canceled'],
};

/** The ways to all that is wanted. Each is one range of one index, in the order of that index (newest-first.ts). Both tables have each of
 *  these indexes:
 *
 *    led by                          a way for                            index
 *    a replay                      each status                          replay
 *    outcomes, triggers or statuses  each of them but the usual one       outcome, trigger, status
 *    the usual one, or nothing       each subscription, or the account    subscription_id_id, account_id_id
 *
 *  What does not lead is a filter. The usual one has no index, since most deliveries have it. An event has few deliveries: they are
 *  found by their ids. */
function waysTo(wanted: DeliveriesWanted): Ways {
  const values: unknown[] = [];
  const param = (one: unknown): string => `$${values.push(one)}`;
  const filters = filtersOf(wanted, param);
  const page = pageOf(wanted, param);
  const ways = wanted.eventId
    ? [ofEvent(param(wanted.eventId), filters)]
    : TABLES.flatMap((table) => waysOf(table, filters));
  return { ways, values, page, unionOf: (selects) => unite(selects, filters) };
}

interface Ways {
  ways: Way[];
  values: unknown[];
  page: Page;
  /** What is selected of some of the ways; nothing of another account's replay. */
  unionOf(selects: string[]): string;
}

/** One range of one index, in its order. */
interface Way {
  table: Table | 'deliveries';
  columns: Record<string, string>;
  /** Hold for the whole range. */
  conditions: string[];
  /** Asked of each row. */
  filters: string[];
}

/** Its filters have no index. */
const isSearch = ({ filters }: Way): boolean => filters.length > 0;

function unite(selects: string[], { replay, account }: Filters): string {
  const all = selects.map((one) => `(${one})`).join('\nUNION ALL\n');
  return replay ? `SELECT * FROM (${all}) of_replay WHERE ${isOurs('replays', replay, account)}` : all;
}

/** At most a page of the rows of a way that pass its filters, among the first `lookedAt`. */
function selectWay({ filters, ...way }: Way, page: Page, lookedAt: number): string {
  if (filters.length === 0) return selectNewest({ ...way, select: SELECT[way.table] }, page);
  const looked = selectNewest({ ...way, select: 'd.*' }, { ...page, limit: lookedAt });
  // In the order of the index, so that it stops where the page is full.
  return `SELECT ${SELECT[way.table]} FROM (${looked}) d WHERE ${filters.join(' AND ')}
    ORDER BY ${orderOf(way)} LIMIT ${page.limit}`;
}

/** The last of the first `lookedAt` rows of a way; none where it has fewer. */
const selectEdge = ({ table, columns, conditions }: Way, page: Page, lookedAt: number): string =>
  `${selectNewest({ table, columns, conditions, select: 'd.id' }, { ...page, limit: 1 })} OFFSET ${lookedAt - 1}`;

const SELECT: Record<Way['table'], string> = {
  deliveries: COLUMNS,
  pending_deliveries: COLUMNS,
  finished_deliveries: COLUMNS.replace('d.due_at', 'NULL::timestamptz'),
};

/** A column that may lead a list: all its values but the usual one have an index. */
interface Lead {
  column: string;
  type: string;
  /** null: every value has an index. */
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
  usual: { pending_deliveries: 'auto', finished_deliveries: 'auto' },
};
const STATUS: Lead = {
  column: 'status',
  type: 'delivery_status',
  usual: { pending_deliveries: 'pending', finished_deliveries: 'succeeded' },
};

/** What is asked for, as SQL. null: nothing of that kind. */
interface Filters {
  account: string;
  replay: string | null;
  subscriptions: string[] | null;
  types: string[] | null;
  /** The first one leads, the others filter: the ways of all of them together would be too many. Their values stand in the text:
   *  Postgres plans without knowing parameters, and so would not know that a partial index has them. */
  leads: { lead: Lead; values: string[] }[];
}

function filtersOf(wanted: DeliveriesWanted, param: Param): Filters {
  const { replayId, subscriptionIds, eventTypes, outcomes, triggers, statuses } = wanted;
  const leads = [
    { lead: OUTCOME, ones: outcomes },
    { lead: TRIGGER, ones: triggers },
    { lead: STATUS, ones: statuses },
  ];
  return {
    account: param(wanted.accountId),
    replay: replayId ? `${param(replayId)}::uuid` : null,
    subscriptions: subscriptionIds ? unique(subscriptionIds).map((id) => `${param(id)}::uuid`) : null,
    types: eventTypes ? unique(eventTypes).map(param) : null,
    leads: leads.flatMap(({ lead, ones }) => (ones ? [{ lead, values: unique<string>(ones) }] : [])),
  };
}

function waysOf(table: Table, filters: Filters): Way[] {
  const { account, replay, leads } = filters;
  if (replay) {
    const status = leads.find(({ lead }) => lead === STATUS);
    return statusesIn(table, status?.values).map((one) => ({
      table,
      columns: { replay_id: replay, status: literal(STATUS, one) },
      conditions: ['d.replay_id IS NOT NULL'],
      filters: allOf({ ...filters, leads: leads.filter(({ lead }) => lead !== STATUS) }),
    }));
  }
  const [first, ...others] = leads;
  if (!first) return usualWays(table, filters, []);
  const { lead } = first;
  const usual = lead.usual[table];
  const values = lead === STATUS ? statusesIn(table, first.values) : first.values;
  // The predicate of the partial index.
  const isUnusual = usual === null ? `d.${lead.column} IS NOT NULL` : `d.${lead.column} <> ${literal(lead, usual)}`;
  return values.flatMap((one): Way[] =>
    one === usual
      ? usualWays(table, filters, [isAnyOf(lead, [one]), ...allOf({ leads: others })])
      : [
          {
            table,
            columns: { account_id: account, [lead.column]: literal(lead, one) },
            conditions: [isUnusual],
            filters: allOf({ ...filters, leads: others }),
          },
        ],
  );
}

const statusesIn = (table: Table, wanted: string[] = STATUSES[table]): string[] =>
  STATUSES[table].filter((one) => wanted.includes(one));

function usualWays(table: Table, { account, subscriptions, types }: Filters, filters: string[]): Way[] {
  const bySubscription = subscriptions && subscriptions.length <= MAX_WAYS ? subscriptions : null;
  return bySubscription
    ? bySubscription.map((id) => ({
        table,
        columns: { subscription_id: id },
        conditions: [isOurs('subscriptions', id, account)],
        filters: [...filters, ...allOf({ types })],
      }))
    : [
        {
          table,
          columns: { account_id: account },
          conditions: [],
          filters: [...filters, ...allOf({ subscriptions, types })],
        },
      ];
}

/** An event has few deliveries. */
const ofEvent = (event: string, filters: Filters): Way => ({
  table: 'deliveries',
  columns: {},
  conditions: [
    isOfEvent(`${event}::uuid`),
    `d.account_id = ${filters.account}`,
    ...(filters.replay ? [`d.replay_id = ${filters.replay}`] : []),
    ...allOf(filters),
  ],
  filters: [],
});

function allOf({ subscriptions, types, leads = [] }: Partial<Filters>): string[] {
  return [
    ...(subscriptions ? [`d.subscription_id IN (${subscriptions.join(', ')})`] : []),
    ...(types ? [`d.event_type IN (${types.join(', ')})`] : []),
    ...leads.map(({ lead, values }) => isAnyOf(lead, values)),
  ];
}

/** That it is the account's. Asked once, and not of each delivery: Postgres would expect few of them, and sort all. */
const isOurs = (table: 'subscriptions' | 'replays', id: string, account: string): string =>
  `EXISTS (SELECT FROM ${table} o WHERE o.id = ${id} AND o.account_id = ${account})`;
const isAnyOf = (lead: Lead, values: string[]): string =>
  `d.${lead.column} IN (${values.map((one) => literal(lead, one)).join(', ')})`;
const literal = ({ type }: Lead, one: string): string => `'${one}'::${type}`;
const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];
