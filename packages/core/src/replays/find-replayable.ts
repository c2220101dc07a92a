import { conditionsOf } from '../deliveries/delivery-filter.js';
import { hasId } from '../deliveries/search-deliveries.js';
import { deliveryIdsOf, isOfEvent } from '../delivery-tables.js';
import type { SubscriptionStatus } from '../generated/prisma/client.js';
import { idBefore } from '../id.js';
import type { IdRange } from '../newest-first.js';
import type { Queryable } from '../search/find-in-payloads.js';
import { SEARCHED, searchPage } from '../search/search-page.js';
import { eventSearchOf, searchOf } from '../search/search-text.js';
import { idsAround } from './ids-around.js';
import { deliveryFilterOf, IS_MISSED, RECEIVES, type ReplayFilter } from './replay-filter.js';

export type { Queryable } from '../search/find-in-payloads.js';

/** The target of one search: an account for `failed`, one of its subscriptions for `missed`. */
export interface Target {
  accountId: string;
  subscriptionId: string | null;
}

/** A delivery (for `missed`, an event) to send again. */
export interface Found {
  id: string;
  eventId: string;
  subscriptionId: string;
  /** Its subscription is paused: the delivery becomes held. */
  isPaused: boolean;
}

export interface FoundInTarget {
  /** In the order of their ids, oldest first. */
  found: Found[];
  /** The last id that was searched. null: the end of the target. */
  edge: string | null;
}

/** Rows per search. It reads them from each of a few indexes, so at most a few times as many. */
const SCAN_LIMIT = 5_000;

interface Search {
  target: Target;
  filter: ReplayFilter;
  /** Only larger ids. null: from the start. */
  afterId: string | null;
  limit: number;
}

/** Returns at most `limit` matches in a target, among its next SCAN_LIMIT deliveries or events. If the filter has a text, it searches the
 *  payloads of the first SEARCHED of these. */
export async function findReplayable(client: Queryable, search: Search): Promise<FoundInTarget> {
  const { filter, limit, target } = search;
  const { text } = filter.which === 'failed' ? searchOf(filter.q) : eventSearchOf(filter.q);
  if (text === undefined) return find(client, search);
  const { found, edge } = await find(client, { ...search, limit: SEARCHED });
  const page = await searchPage(
    client,
    { rows: found, searchedTo: edge },
    {
      accountId: target.accountId,
      text,
      limit,
      eventIdOf: ({ eventId }) => eventId,
      hasText: (row) => filter.which === 'failed' && hasId(row, text),
    },
  );
  return cut({ found: page.rows, edge: page.searchedTo }, limit);
}

const find = async (client: Queryable, search: Search): Promise<FoundInTarget> =>
  cut(
    search.filter.which === 'failed' ? await findFailed(client, search) : await findMissed(client, search),
    search.limit,
  );

/** A search that has found enough ends at the last one. */
const cut = ({ found, edge }: FoundInTarget, limit: number): FoundInTarget => ({
  found,
  edge: found.length === limit ? (found.at(-1)?.id ?? null) : edge,
});

interface Columns {
  ids: string[];
  eventIds: string[];
  subscriptionIds: string[];
  arePaused: boolean[];
  edge: string | null;
}

async function findFailed(
  client: Queryable,
  { target: { accountId }, filter, afterId, limit }: Search,
): Promise<FoundInTarget> {
  const { deliveryIds, eventIds } = searchOf(filter.q);
  const { from, to } = within(idsAround(filter), deliveryIds ?? (eventIds && deliveryIdsOf(eventIds)));
  const values: unknown[] = [accountId, maxOf(afterId, from), to, limit];
  const param = (value: unknown): string => `$${values.push(value)}`;
  const conditions = ['d.account_id = $1', ...conditionsOf(deliveryFilterOf(filter), param)];
  if (eventIds)
    conditions.push(`d.event_id >= ${param(eventIds.from)}::uuid`, `d.event_id < ${param(eventIds.before)}::uuid`);
  const scanned = waysTo(filter, param).map(
    ({ table, range, order }) =>
      `(SELECT ${SCANNED_COLUMNS} FROM ${table} d WHERE ${range} AND d.id > $2 AND d.id < $3 ORDER BY ${order} LIMIT ${SCAN_LIMIT})`,
  );
  const { rows } = await client.query<Columns>(
    `WITH scanned AS MATERIALIZED (SELECT * FROM (${scanned.join('\nUNION ALL\n')}) ways ORDER BY id LIMIT ${SCAN_LIMIT}),
     edge AS (SELECT id FROM scanned ORDER BY id OFFSET ${SCAN_LIMIT - 1} LIMIT 1),
     matching AS MATERIALIZED (SELECT d.id, d.event_id, d.subscription_id FROM scanned d WHERE ${conditions.join(' AND ')}),
     found AS MATERIALIZED (
       SELECT d.id, d.event_id, d.subscription_id, s.is_paused FROM matching d CROSS JOIN LATERAL (
         SELECT s.status = 'paused' AS is_paused FROM subscriptions s
         WHERE s.id = d.subscription_id AND s.account_id = $1 AND ${RECEIVES} OFFSET 0
       ) s
       ORDER BY d.id LIMIT $4
     )
     ${FOUND_COLUMNS}`,
    values,
  );
  return toFound(rows[0]);
}

/** What conditionsOf reads. */
const SCANNED_COLUMNS = `d.id, d.account_id, d.event_id, d.event_type, d.subscription_id, d.status, d.replay_id, d.created_at,
  d.last_outcome, d.last_trigger, d.last_status_code`;

/** The part of a range of ids that is in another one. */
const within = (range: { from: string; to: string }, ids: IdRange | undefined): { from: string; to: string } =>
  ids === undefined
    ? range
    : { from: maxOf(range.from, idBefore(ids.from)), to: range.to < ids.before ? range.to : ids.before };

const maxOf = (one: string | null, other: string): string => (one !== null && one > other ? one : other);

const FOUND_COLUMNS = `
SELECT ARRAY(SELECT id FROM found ORDER BY id) AS ids, ARRAY(SELECT event_id FROM found ORDER BY id) AS "eventIds",
  ARRAY(SELECT subscription_id FROM found ORDER BY id) AS "subscriptionIds",
  ARRAY(SELECT is_paused FROM found ORDER BY id) AS "arePaused", (SELECT id FROM edge) AS edge`;

const toFound = (columns?: Columns): FoundInTarget => ({
  found: (columns?.ids ?? []).map((id, index) => ({
    id,
    eventId: columns?.eventIds[index] ?? '',
    subscriptionId: columns?.subscriptionIds[index] ?? '',
    isPaused: columns?.arePaused[index] ?? false,
  })),
  edge: columns?.edge ?? null,
});

/** One range of one index of one table. */
interface Way {
  table: 'pending_deliveries' | 'finished_deliveries';
  range: string;
  order: string;
}

// A finished delivery with a requested attempt is among the pending ones until the attempt is recorded; its status stays.
const TABLES = ['pending_deliveries', 'finished_deliveries'] as const;

function waysTo(filter: ReplayFilter, param: (value: unknown) => string): Way[] {
  const { eventId, ofReplayId, accountIds } = filter;
  if (eventId !== null) return waysByEvent(param(eventId));
  // A replay of many accounts has deliveries of all of them.
  if (ofReplayId !== null && accountIds.length === 1) return waysByReplay(filter, param(ofReplayId));
  return waysByStatus(filter);
}

/** Uses the indexes by status of both tables, and for `succeeded`, which has none, the indexes by account. The comparison of rows leaves
 *  Postgres no other index (newest-first.ts). */
function waysByStatus({ statuses }: ReplayFilter): Way[] {
  return TABLES.flatMap((table) =>
    statuses.map((status): Way => {
      if (status === 'succeeded' && table === 'finished_deliveries')
        return {
          table,
          range: '(d.account_id, d.id) > ($1, $2::uuid) AND (d.account_id, d.id) < ($1, $3::uuid)',
          order: 'd.account_id, d.id',
        };
      const usual = table === 'finished_deliveries' ? 'succeeded' : 'pending';
      const [after, before] = ['$2', '$3'].map((id) => `($1, '${status}'::delivery_status, ${id}::uuid)`);
      return {
        table,
        range: `(d.account_id, d.status, d.id) > ${after} AND (d.account_id, d.status, d.id) < ${before} AND d.status <> '${usual}'`,
        order: 'd.account_id, d.status, d.id',
      };
    }),
  );
}

/** Uses the indexes by replay of both tables. */
const waysByReplay = ({ statuses }: ReplayFilter, replay: string): Way[] =>
  TABLES.flatMap((table) =>
    statuses.map((status): Way => {
      const [after, before] = ['$2', '$3'].map((id) => `(${replay}::uuid, '${status}'::delivery_status, ${id}::uuid)`);
      return {
        table,
        range: `(d.replay_id, d.status, d.id) > ${after} AND (d.replay_id, d.status, d.id) < ${before} AND d.replay_id IS NOT NULL`,
        order: 'd.replay_id, d.status, d.id',
      };
    }),
  );

/** Uses the keys of both tables: the deliveries of an event are a range of them. */
const waysByEvent = (event: string): Way[] =>
  TABLES.map((table) => ({
    table,
    range: `${isOfEvent(`${event}::uuid`)} AND d.account_id = $1`,
    order: 'd.id',
  }));

/** Uses the keys of events and of both tables of deliveries. */
async function findMissed(
  client: Queryable,
  { target: { accountId, subscriptionId }, filter, afterId, limit }: Search,
): Promise<FoundInTarget> {
  const subscription = await readReceiving(client, { accountId, id: subscriptionId ?? '' });
  if (!subscription) return { found: [], edge: null };
  // A filter reads payloads, like the search for a text.
  const scanLimit = subscription.filter === null ? SCAN_LIMIT : SEARCHED;
  const { from, to } = within(idsAround(filter), eventSearchOf(filter.q).eventIds);
  const values: unknown[] = [accountId, maxOf(afterId, from), to, filter.since, filter.until, limit];
  const param = (value: unknown): string => `$${values.push(value)}`;
  const s = `(SELECT ${param(subscriptionId)}::uuid AS id, ${param(subscription.events)}::text[] AS events, ${param(subscription.filter)}::text AS filter)`;
  const range = `e.account_id = $1 AND e.id > $2 AND e.id < $3${filter.eventId === null ? '' : ` AND e.id = ${param(filter.eventId)}`}`;
  const types = filter.eventTypes.length > 0 ? `AND e.type = ANY (${param(filter.eventTypes)}::text[])` : '';
  const { rows } = await client.query<{ ids: string[]; edge: string | null }>(
    `WITH edge AS MATERIALIZED (
       SELECT e.id FROM events e WHERE ${range} ORDER BY e.id OFFSET ${scanLimit - 1} LIMIT 1
     ),
     found AS MATERIALIZED (
       SELECT e.id FROM events e CROSS JOIN ${s} s
       WHERE ${range} AND e.id <= coalesce((SELECT id FROM edge), $3) AND e.created_at >= $4 AND e.created_at < $5 ${types} AND ${IS_MISSED}
       ORDER BY e.id LIMIT $6
     )
     SELECT ARRAY(SELECT id FROM found ORDER BY id) AS ids, (SELECT id FROM edge) AS edge`,
    values,
  );
  const isPaused = subscription.status === 'paused';
  return {
    found: (rows[0]?.ids ?? []).map((id) => ({ id, eventId: id, subscriptionId: subscriptionId ?? '', isPaused })),
    edge: rows[0]?.edge ?? null,
  };
}

interface Receiving {
  events: string[];
  filter: string | null;
  status: SubscriptionStatus;
}

async function readReceiving(
  client: Queryable,
  { accountId, id }: { accountId: string; id: string },
): Promise<Receiving | undefined> {
  const { rows } = await client.query<Receiving>(
    `SELECT s.events, s.filter, s.status FROM subscriptions s WHERE s.account_id = $1 AND s.id = $2 AND ${RECEIVES}`,
    [accountId, id],
  );
  return rows[0];
}
