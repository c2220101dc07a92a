import type pg from 'pg';
import { isOfEvent } from '../delivery-tables.js';
import type { SubscriptionStatus } from '../generated/prisma/client.js';
import { idsAround } from './ids-around.js';
import { IS_MISSED, RECEIVES, type ReplayFilter } from './replay-filter.js';

export type Queryable = Pick<pg.Pool | pg.PoolClient, 'query'>;

/** The target of one search: an account for `failed`, one of its subscriptions for `missed`. */
export interface Target {
  accountId: string;
  subscriptionId: string | null;
}

/** A delivery (for `missed`, an event) to send again. */
export interface Found {
  id: string;
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
const LOOKED_AT = 5_000;

interface Search {
  target: Target;
  filter: ReplayFilter;
  /** Only larger ids. null: from the start. */
  afterId: string | null;
  limit: number;
}

/** Returns at most `limit` matches in a target, among its next LOOKED_AT deliveries or events. */
export async function findReplayable(client: Queryable, search: Search): Promise<FoundInTarget> {
  const { found, edge } =
    search.filter.which === 'failed' ? await findFailed(client, search) : await findMissed(client, search);
  return { found, edge: found.length === search.limit ? (found.at(-1)?.id ?? null) : edge };
}

interface Columns {
  ids: string[];
  subscriptionIds: string[];
  arePaused: boolean[];
  edge: string | null;
}

async function findFailed(
  client: Queryable,
  { target: { accountId }, filter, afterId, limit }: Search,
): Promise<FoundInTarget> {
  const { from, to } = idsAround(filter);
  const values: unknown[] = [accountId, afterId ?? from, to, filter.since, filter.until, limit];
  const param = (value: unknown): string => `$${values.push(value)}`;
  const filters = [
    'd.created_at >= $4 AND d.created_at < $5',
    `d.status = ANY (${param(filter.statuses)}::delivery_status[])`,
    ...(filter.subscriptionIds.length > 0
      ? [`d.subscription_id = ANY (${param(filter.subscriptionIds)}::uuid[])`]
      : []),
    ...(filter.eventTypes.length > 0 ? [`d.event_type = ANY (${param(filter.eventTypes)}::text[])`] : []),
    ...(filter.outcomes.length > 0 ? [`d.last_outcome = ANY (${param(filter.outcomes)}::attempt_outcome[])`] : []),
  ];
  const ways = filter.eventId === null ? waysByStatus(filter) : waysByEvent(param(filter.eventId));
  const looked = ways.map(({ table, range, order }) => {
    const columns = 'd.id, d.subscription_id, d.event_type, d.status, d.last_outcome, d.created_at';
    return `(SELECT ${columns} FROM ${table} d WHERE ${range} AND d.id > $2 AND d.id < $3 ORDER BY ${order} LIMIT ${LOOKED_AT})`;
  });
  const { rows } = await client.query<Columns>(
    `WITH looked AS MATERIALIZED (SELECT * FROM (${looked.join('\nUNION ALL\n')}) ways ORDER BY id LIMIT ${LOOKED_AT}),
     edge AS (SELECT id FROM looked ORDER BY id OFFSET ${LOOKED_AT - 1} LIMIT 1),
     matching AS MATERIALIZED (SELECT d.id, d.subscription_id FROM looked d WHERE ${filters.join(' AND ')}),
     found AS MATERIALIZED (
       SELECT d.id, d.subscription_id, s.is_paused FROM matching d CROSS JOIN LATERAL (
         SELECT s.status = 'paused' AS is_paused FROM subscriptions s
         WHERE s.id = d.subscription_id AND s.account_id = $1 AND ${RECEIVES} OFFSET 0
       ) s
       ORDER BY d.id LIMIT $6
     )
     ${FOUND_COLUMNS}`,
    values,
  );
  return toFound(rows[0]);
}

const FOUND_COLUMNS = `
SELECT ARRAY(SELECT id FROM found ORDER BY id) AS ids, ARRAY(SELECT subscription_id FROM found ORDER BY id) AS "subscriptionIds",
  ARRAY(SELECT is_paused FROM found ORDER BY id) AS "arePaused", (SELECT id FROM edge) AS edge`;

const toFound = (columns?: Columns): FoundInTarget => ({
  found: (columns?.ids ?? []).map((id, index) => ({
    id,
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
  const { from, to } = idsAround(filter);
  const values: unknown[] = [accountId, afterId ?? from, to, filter.since, filter.until, limit];
  const param = (value: unknown): string => `$${values.push(value)}`;
  const s = `(SELECT ${param(subscriptionId)}::uuid AS id, ${param(subscription.events)}::text[] AS events)`;
  const range = `e.account_id = $1 AND e.id > $2 AND e.id < $3${filter.eventId === null ? '' : ` AND e.id = ${param(filter.eventId)}`}`;
  const types = filter.eventTypes.length > 0 ? `AND e.type = ANY (${param(filter.eventTypes)}::text[])` : '';
  const { rows } = await client.query<{ ids: string[]; edge: string | null }>(
    `WITH edge AS MATERIALIZED (
       SELECT e.id FROM events e WHERE ${range} ORDER BY e.id OFFSET ${LOOKED_AT - 1} LIMIT 1
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
    found: (rows[0]?.ids ?? []).map((id) => ({ id, subscriptionId: subscriptionId ?? '', isPaused })),
    edge: rows[0]?.edge ?? null,
  };
}

async function readReceiving(
  client: Queryable,
  { accountId, id }: { accountId: string; id: string },
): Promise<{ events: string[]; status: SubscriptionStatus } | undefined> {
  const { rows } = await client.query<{ events: string[]; status: SubscriptionStatus }>(
    `SELECT s.events, s.status FROM subscriptions s WHERE s.account_id = $1 AND s.id = $2 AND ${RECEIVES}`,
    [accountId, id],
  );
  return rows[0];
}
