import type pg from 'pg';
import type { Delivery, DeliveryStatus } from '../generated/prisma/client.js';
import {
  type IdRange,
  orderOf,
  type Page,
  type Param,
  type WantedPage,
  pageOf,
  selectNewest,
} from '../newest-first.js';
import { deliveryIdsOf, isOfEvent } from '../delivery-tables.js';
import {
  conditionsOf,
  type DeliveryFilter,
  type EnumColumn,
  isAnyOf,
  literal,
  OUTCOME as OUTCOME_COLUMN,
  outcomesOf,
  STATUS as STATUS_COLUMN,
  TRIGGER as TRIGGER_COLUMN,
} from './delivery-filter.js';

export interface DeliveriesWanted extends DeliveryFilter, WantedPage {
  accountId: string;
  /** Only deliveries of events with these ids. */
  eventIds?: IdRange | undefined;
}

interface Located extends DeliveriesWanted {
  /** The replay belongs to the operators, so it may have deliveries of other accounts. */
  isReplayOfMany: boolean;
}

async function locate(pool: pg.Pool, wanted: DeliveriesWanted): Promise<Located> {
  const { replayId } = wanted;
  if (replayId === undefined) return { ...wanted, isReplayOfMany: false };
  const { rowCount } = await pool.query('SELECT FROM replays WHERE id = $1 AND account_id IS NULL', [replayId]);
  return { ...wanted, isReplayOfMany: rowCount === 1 };
}

export type ListedDelivery = Omit<Delivery, 'requestedTrigger' | 'failureCount' | 'leasedUntil' | 'replayId'>;

/** The columns of a listed delivery, in either table. */
const COLUMNS = `d.id, d.account_id AS "accountId", d.event_id AS "eventId", d.event_type AS "eventType",
  d.subscription_id AS "subscriptionId", d.status, d.status_reason AS "statusReason", d.attempt_count AS "attemptCount",
  d.due_at AS "dueAt", d.created_at AS "createdAt", d.completed_at AS "completedAt", d.last_outcome AS "lastOutcome",
  d.last_trigger AS "lastTrigger", d.last_status_code AS "lastStatusCode", d.last_duration_ms AS "lastDurationMs",
  d.last_attempt_at AS "lastAttemptAt"`;

/** With more subscriptions or types than this, they become filters instead of ways. */
const MAX_WAYS = 30;

/** A page reads at most this many rows per range to find those that match a filter without an index. */
const ROWS_READ = 1_000;

export interface ListedDeliveries {
  /** Newest first. */
  rows: ListedDelivery[];
  /** The last id that was read, if the search stopped before `limit` rows or the end. The next page starts after it. */
  searchedTo: string | null;
}

/** Returns deliveries of an account, newest first. For a filter without an index, it reads only the newest ROWS_READ
 *  rows of each range, so a page always costs the same. */
export async function listDeliveries(pool: pg.Pool, wanted: DeliveriesWanted): Promise<ListedDeliveries> {
  const { ways, values, page, unionOf } = waysTo(await locate(pool, wanted));
  const { limit } = wanted;
  const list = `SELECT * FROM (${unionOf(ways.map((way) => selectWay(way, page, ROWS_READ)))}) listed ORDER BY id DESC LIMIT ${limit}`;
  const searches = ways.filter(isSearch);
  if (searches.length === 0) return { rows: (await pool.query<ListedDelivery>(list, values)).rows, searchedTo: null };
  // One statement, so that both parts see the same rows: deliveries move between the tables.
  const { rows } = await pool.query<(ListedDelivery | { id: null }) & { searchedTo: string | null }>(
    `WITH page AS MATERIALIZED (${list}),
     edge AS (
       SELECT id FROM (${unionOf(searches.map((way) => selectEdge(way, page, ROWS_READ)))}) edges
       WHERE (SELECT count(*) FROM page) < ${limit} ORDER BY id DESC LIMIT 1
     )
     SELECT edge.id AS "searchedTo", page.* FROM (VALUES (1)) one LEFT JOIN edge ON true LEFT JOIN page ON true ORDER BY page.id DESC`,
    values,
  );
  const searchedTo = rows[0]?.searchedTo ?? null;
  // Beyond that id, only some ranges were read.
  const found = rows.filter((row) => row.id !== null && (searchedTo === null || row.id >= searchedTo));
  return { rows: found as ListedDelivery[], searchedTo };
}

/** Counts the rows of that list, up to `limit`. For a filter without an index, it reads at most `limit` rows of each
 *  range. `isAll`: the list has no further rows. */
export async function countListed(pool: pg.Pool, wanted: DeliveriesWanted): Promise<{ count: number; isAll: boolean }> {
  const { ways, values, page, unionOf } = waysTo(await locate(pool, wanted));
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
/** Statuses that occur in each table. A finished delivery with a requested attempt is in pending_deliveries. */
const STATUSES: Record<Table, DeliveryStatus[]> = {
  pending_deliveries: ['pending', 'held', 'succeeded', 'failed', 'canceled'],
  finished_deliveries: ['succeeded', 'failed', 'canceled'],
};

/** The ways to find the deliveries. Each is one range of one index, in index order (newest-first.ts). Both tables
 *  have these indexes:
 *
 *    leading filter                  a way for                            index
 *    a replay                        each status                          replay
 *    outcomes, triggers or statuses  each of them except the usual one    outcome, trigger, status
 *    HTTP statuses                   each outcome that they may have      outcome
 *    the usual value, or none        each subscription, or the account    subscription_id_id, account_id_id
 *
 *  All other conditions are filters. The usual value has no index, because most deliveries have it. Deliveries of an
 *  event are few and found by their ids. */
function waysTo(wanted: Located): Ways {
  const values: unknown[] = [];
  // The ways share arrays: each is one parameter.
  const param = (one: unknown): string => {
    const known = typeof one === 'object' ? values.indexOf(one) : -1;
    return `$${known === -1 ? values.push(one) : known + 1}`;
  };
  const filters = filtersOf(wanted, param);
  const { eventIds } = wanted;
  const page = pageOf(eventIds ? { ...wanted, ids: deliveryIdsOf(eventIds) } : wanted, param);
  if (eventIds)
    page.conditions.push(`d.event_id >= ${param(eventIds.from)}::uuid`, `d.event_id < ${param(eventIds.before)}::uuid`);
  const ways = wanted.eventId
    ? [ofEvent(param(wanted.eventId), filters)]
    : TABLES.flatMap((table) => waysOf(table, filters));
  return { ways, values, page, unionOf: (selects) => unite(selects, filters) };
}

interface Ways {
  ways: Way[];
  values: unknown[];
  page: Page;
  /** Combines the selects of some ways. Returns no rows for a replay of another account. */
  unionOf(selects: string[]): string;
}

/** One range of one index, in index order. */
interface Way {
  table: Table | 'deliveries';
  columns: Record<string, string>;
  /** Conditions that hold for the whole range. */
  conditions: string[];
  /** Conditions that are checked for each row. */
  filters: string[];
}

/** Returns whether the way has filters without an index. */
const isSearch = ({ filters }: Way): boolean => filters.length > 0;

function unite(selects: string[], { replay, isReplayOfMany, account }: Filters): string {
  const all = selects.map((one) => `(${one})`).join('\nUNION ALL\n');
  return replay ? `SELECT * FROM (${all}) of_replay WHERE ${isReplayOf(replay, isReplayOfMany ? null : account)}` : all;
}

/** SQL: at most a page of the rows that pass the filters, among the first `scanLimit` rows of a way. */
function selectWay({ filters, ...way }: Way, page: Page, scanLimit: number): string {
  if (filters.length === 0) return selectNewest({ ...way, select: SELECT[way.table] }, page);
  const scanned = selectNewest({ ...way, select: 'd.*' }, { ...page, limit: scanLimit });
  // In index order, so that it stops when the page is full.
  return `SELECT ${SELECT[way.table]} FROM (${scanned}) d WHERE ${filters.join(' AND ')}
    ORDER BY ${orderOf(way)} LIMIT ${page.limit}`;
}

/** SQL: row number `scanLimit` of a way; none if it has fewer. */
const selectEdge = ({ table, columns, conditions }: Way, page: Page, scanLimit: number): string =>
  `${selectNewest({ table, columns, conditions, select: 'd.id' }, { ...page, limit: 1 })} OFFSET ${scanLimit - 1}`;

const SELECT: Record<Way['table'], string> = {
  deliveries: COLUMNS,
  pending_deliveries: COLUMNS,
  finished_deliveries: COLUMNS.replace('d.due_at', 'NULL::timestamptz'),
};

/** A column that may lead a list: an index contains all its values except the usual one. */
interface Lead extends EnumColumn {
  field: 'outcomes' | 'triggers' | 'statuses';
  /** null: the index contains all values. */
  usual: Record<Table, string | null>;
}
const OUTCOME: Lead = {
  ...OUTCOME_COLUMN,
  field: 'outcomes',
  usual: { pending_deliveries: null, finished_deliveries: 'ok' },
};
const TRIGGER: Lead = {
  ...TRIGGER_COLUMN,
  field: 'triggers',
  usual: { pending_deliveries: 'auto', finished_deliveries: 'auto' },
};
const STATUS: Lead = {
  ...STATUS_COLUMN,
  field: 'statuses',
  usual: { pending_deliveries: 'pending', finished_deliveries: 'succeeded' },
};

/** The filters as SQL. null: not filtered. */
interface Filters {
  account: string;
  replay: string | null;
  isReplayOfMany: boolean;
  /** The ids; each way by one of them adds its parameter. */
  subscriptionIds: string[] | null;
  param: Param;
  /** The first one leads, the others filter, because combining all would give too many ways. Their values are
   *  literals: without knowing a parameter, the planner cannot use a partial index. */
  leads: { lead: Lead; values: string[] }[];
  /** SQL: the conditions on each row, except those that a way has as columns. */
  restOf(...done: (keyof DeliveryFilter)[]): string[];
}

function filtersOf(wanted: Located, param: Param): Filters {
  const { replayId, isReplayOfMany, subscriptionIds, statusCodes } = wanted;
  const leads = [
    { lead: OUTCOME, ones: wanted.outcomes ?? (statusCodes && outcomesOf(statusCodes)) },
    { lead: TRIGGER, ones: wanted.triggers },
    { lead: STATUS, ones: wanted.statuses },
  ];
  return {
    account: param(wanted.accountId),
    replay: replayId ? `${param(replayId)}::uuid` : null,
    isReplayOfMany,
    subscriptionIds: subscriptionIds ? unique(subscriptionIds) : null,
    param,
    leads: leads.flatMap(({ lead, ones }) => (ones ? [{ lead, values: unique<string>(ones) }] : [])),
    restOf: (...done) => conditionsOf({ ...wanted, ...without(['eventId', 'replayId', 'from', 'to', ...done]) }, param),
  };
}

const without = (fields: (keyof DeliveryFilter)[]): DeliveryFilter =>
  Object.fromEntries(fields.map((field) => [field, undefined]));

function waysOf(table: Table, filters: Filters): Way[] {
  const { account, replay, isReplayOfMany, leads, restOf } = filters;
  if (replay) {
    const status = leads.find(({ lead }) => lead === STATUS);
    return statusesIn(table, status?.values).map((one) => ({
      table,
      columns: { replay_id: replay, status: literal(STATUS, one) },
      conditions: ['d.replay_id IS NOT NULL'],
      filters: [...(isReplayOfMany ? [`d.account_id = ${account}`] : []), ...restOf('statuses')],
    }));
  }
  const [first] = leads;
  if (!first) return usualWays(table, filters);
  const { lead } = first;
  const usual = lead.usual[table];
  const values = lead === STATUS ? statusesIn(table, first.values) : first.values;
  // The predicate of the partial index.
  const isUnusual = usual === null ? `d.${lead.column} IS NOT NULL` : `d.${lead.column} <> ${literal(lead, usual)}`;
  return values.flatMap((one): Way[] =>
    one === usual
      ? usualWays(table, filters, { lead, value: one })
      : [
          {
            table,
            columns: { account_id: account, [lead.column]: literal(lead, one) },
            conditions: [isUnusual],
            filters: restOf(lead.field),
          },
        ],
  );
}

const statusesIn = (table: Table, wanted: string[] = STATUSES[table]): string[] =>
  STATUSES[table].filter((one) => wanted.includes(one));

/** Ways by subscription, or by account. `leading`: only rows with this value. */
function usualWays(
  table: Table,
  { account, subscriptionIds, param, restOf }: Filters,
  leading?: { lead: Lead; value: string },
): Way[] {
  const filters = leading ? [isAnyOf(leading.lead, [leading.value])] : [];
  const done = leading ? [leading.lead.field] : [];
  const bySubscription = subscriptionIds && subscriptionIds.length <= MAX_WAYS ? subscriptionIds : null;
  return bySubscription
    ? bySubscription.map((subscriptionId) => {
        const id = `${param(subscriptionId)}::uuid`;
        return {
          table,
          columns: { subscription_id: id },
          conditions: [isSubscriptionOf(id, account)],
          filters: [...filters, ...restOf('subscriptionIds', ...done)],
        };
      })
    : [{ table, columns: { account_id: account }, conditions: [], filters: [...filters, ...restOf(...done)] }];
}

/** A way for the few deliveries of an event. */
const ofEvent = (event: string, { account, replay, restOf }: Filters): Way => ({
  table: 'deliveries',
  columns: {},
  conditions: [
    isOfEvent(`${event}::uuid`),
    `d.account_id = ${account}`,
    ...(replay ? [`d.replay_id = ${replay}`] : []),
    ...restOf(),
  ],
  filters: [],
});

/** SQL: the subscription belongs to the account. Checked once, not per delivery: otherwise Postgres expects few deliveries
 *  and sorts them all. */
const isSubscriptionOf = (id: string, account: string): string =>
  `EXISTS (SELECT FROM subscriptions o WHERE o.id = ${id} AND o.account_id = ${account})`;
/** SQL: the replay belongs to the account; null: to the operators. */
const isReplayOf = (id: string, account: string | null): string =>
  `EXISTS (SELECT FROM replays o WHERE o.id = ${id} AND o.account_id ${account === null ? 'IS NULL' : `= ${account}`})`;
const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];
