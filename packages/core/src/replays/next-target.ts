import { idsAround } from './ids-around.js';
import type { Queryable } from './find-replayable.js';
import { RECEIVES, type ReplayFilter } from './replay-filter.js';
import { inIdOrder } from '../look-up.js';

/** The position of a replay. It walks accounts in the order of their ids; a replay of `missed` walks the subscriptions of each. Within such a
 *  target it walks ids.
 *
 *  accountId   subscriptionId   id     the replay
 *  null        null             null   has not started
 *  set         null or set      null   is done with this target (`missed`, without a subscription: has just entered the account)
 *  set         null or set      set    has looked at the target's ids up to this one */
export interface Position {
  accountId: string | null;
  subscriptionId: string | null;
  id: string | null;
}

/** Maximum number of accounts or subscriptions that one search reads. */
const SCAN_LIMIT = 500;

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Returns the start of the next target, or the position of a search that found none yet. null: no other target. */
export async function nextTarget(client: Queryable, filter: ReplayFilter, at: Position): Promise<Position | null> {
  if (filter.which === 'missed' && at.accountId !== null) {
    const next = await nextSubscription(client, filter, { ...at, accountId: at.accountId });
    if (next) return next;
  }
  return nextAccount(client, filter, at.accountId);
}

interface Next {
  id: string | null;
  edge: string | null;
}

/** Uses the key of accounts, and checks for each whether it has anything in the range. */
async function nextAccount(client: Queryable, filter: ReplayFilter, after: string | null): Promise<Position | null> {
  const { accountIds, which } = filter;
  const { from, to } = idsAround(filter);
  const isNamed = accountIds.length > 0 ? 'AND id = ANY ($4::text[])' : '';
  const { rows } = await client.query<Next>(
    `WITH scanned AS MATERIALIZED (
       SELECT id FROM accounts WHERE id > $1 AND deleted_at IS NULL ${isNamed} ORDER BY id LIMIT ${SCAN_LIMIT}
     )
     SELECT (SELECT l.id FROM scanned l WHERE ${hasAny(filter)} ORDER BY l.id LIMIT 1) AS id,
       (SELECT id FROM scanned ORDER BY id OFFSET ${SCAN_LIMIT - 1} LIMIT 1) AS edge`,
    [after ?? '', from, to, ...(accountIds.length > 0 ? [accountIds] : [])],
  );
  const { id = null, edge = null } = rows[0] ?? {};
  if (id !== null) return { accountId: id, subscriptionId: null, id: which === 'failed' ? FIRST_ID : null };
  return edge === null ? null : { accountId: edge, subscriptionId: which === 'failed' ? null : LAST_ID, id: null };
}

/** SQL: the account `l` has deliveries of these statuses, or events. Uses the indexes that findReplayable uses. */
function hasAny({ which, statuses, eventId }: ReplayFilter): string {
  if (eventId !== null) return '$2::uuid < $3::uuid';
  if (which === 'missed')
    return 'EXISTS (SELECT FROM events e WHERE e.account_id = l.id AND e.id > $2::uuid AND e.id < $3::uuid)';
  const range = 'd.account_id = l.id AND d.id > $2::uuid AND d.id < $3::uuid';
  return statuses
    .flatMap((status) => [
      `EXISTS (SELECT FROM pending_deliveries d WHERE ${range} AND d.status = '${status}' AND d.status <> 'pending')`,
      `EXISTS (SELECT FROM finished_deliveries d WHERE ${range}${status === 'succeeded' ? '' : ` AND d.status = '${status}' AND d.status <> 'succeeded'`})`,
    ])
    .join(' OR ');
}

/** Uses the index of subscriptions by account, or their key if the filter names them. */
async function nextSubscription(
  client: Queryable,
  { subscriptionIds }: ReplayFilter,
  { accountId, subscriptionId }: { accountId: string; subscriptionId: string | null },
): Promise<Position | null> {
  const which =
    subscriptionIds.length > 0
      ? 'account_id = $1 AND id > $2 AND id = ANY ($3::uuid[]) ORDER BY id'
      : `${inIdOrder('account_id', '$1', { from: '$2::uuid' })} AND id <> $2 ORDER BY account_id, id`;
  const { rows } = await client.query<Next>(
    `WITH scanned AS MATERIALIZED (
       SELECT id, status, deleted_at FROM subscriptions WHERE ${which} LIMIT ${SCAN_LIMIT}
     )
     SELECT (SELECT s.id FROM scanned s WHERE ${RECEIVES} ORDER BY s.id LIMIT 1) AS id,
       (SELECT id FROM scanned ORDER BY id OFFSET ${SCAN_LIMIT - 1} LIMIT 1) AS edge`,
    [accountId, subscriptionId ?? FIRST_ID, ...(subscriptionIds.length > 0 ? [subscriptionIds] : [])],
  );
  const { id = null, edge = null } = rows[0] ?? {};
  if (id !== null) return { accountId, subscriptionId: id, id: FIRST_ID };
  return edge === null ? null : { accountId, subscriptionId: edge, id: null };
}
