import type pg from 'pg';
import { inTransaction } from '../database.js';
import type { Deps } from '../deps.js';
import type { SubscriptionStatus } from '../generated/prisma/client.js';
import { newId } from '../id.js';
import { countReplayable, type ReplayCount } from './count-replayable.js';
import type { Queryable } from './find-replayable.js';
import { findReplay, type Replay } from './replay.js';
import type { ReplayFilter } from './replay-filter.js';

/** Maximum number of concurrent replays of an account, and of the operators. */
export const MAX_RUNNING = 20;

export interface WantedReplay extends ReplayFilter {
  /** null: the operators start it, for `accountIds` or for all accounts. Otherwise `accountIds` is this account alone. */
  accountId: string | null;
  /** Only count the matches. */
  isDryRun: boolean;
}

export type StartReplayResult =
  | { outcome: 'started'; replay: Replay }
  | ({ outcome: 'counted' } & ReplayCount)
  /** A running replay has some of the same subscriptions, or too many are running. */
  | { outcome: 'running'; replayId: string }
  | { outcome: 'not_found' }
  /** The filter names something that does not exist. */
  | { outcome: 'unknown'; what: 'account' | 'subscription' | 'event' | 'replay'; id: string }
  | { outcome: 'not_possible'; reason: string };

/** Counts the matches and stores a replay, which advanceReplays then runs. A dry run counts and stores nothing. Subscriptions that the filter
 *  names must be active or paused; without names, others are skipped. */
export async function startReplay({ db }: Pick<Deps, 'db'>, wanted: WantedReplay): Promise<StartReplayResult> {
  const refusal = (await findUnknown(db.pool, wanted)) ?? (wanted.isDryRun ? null : await findRunning(db.pool, wanted));
  if (refusal) return refusal;
  const count = await countReplayable(db.pool, wanted);
  if (wanted.isDryRun) return { outcome: 'counted', ...count };

  const id = newId();
  const refusedNow = await inTransaction(db.pool, (client) => store(client, id, { wanted, count }));
  if (refusedNow) return refusedNow;
  const replay = await findReplay(db, { accountId: wanted.accountId, id });
  return replay ? { outcome: 'started', replay } : { outcome: 'not_found' };
}

type Refusal = Exclude<StartReplayResult, { outcome: 'started' | 'counted' }>;

/** The first of two advisory lock keys: see shards.ts. The second one is the account's. */
const LOCK_CLASS = 72_707_375;

/** Repeats the checks with the account locked, so that only one of two overlapping replays starts. */
async function store(
  client: pg.PoolClient,
  id: string,
  { wanted, count }: { wanted: WantedReplay; count: ReplayCount },
): Promise<Refusal | null> {
  const { accountId } = wanted;
  await client.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [LOCK_CLASS, accountId ?? '']);
  if (accountId !== null) {
    const sql = 'SELECT FROM accounts WHERE id = $1 AND deleted_at IS NULL FOR KEY SHARE';
    if ((await client.query(sql, [accountId])).rowCount === 0) return { outcome: 'not_found' };
  }
  const refusal = (await findUnknown(client, wanted)) ?? (await findRunning(client, wanted));
  if (refusal) return refusal;
  await insert(client, {
    id,
    account_id: accountId,
    matched: count.matched,
    has_more: count.hasMore,
    ...columnsOf(wanted),
  });
  return null;
}

/** The filter as columns of `replays`. */
const columnsOf = (filter: ReplayFilter) => ({
  which: filter.which,
  since: filter.since,
  until: filter.until,
  account_ids: filter.accountIds,
  subscription_ids: filter.subscriptionIds,
  event_types: filter.eventTypes,
  event_id: filter.eventId,
  statuses: filter.statuses,
  outcomes: filter.outcomes,
  status_codes: filter.statusCodes,
  triggers: filter.triggers,
  of_replay_id: filter.ofReplayId,
  q: filter.q,
});

const insert = (client: pg.PoolClient, columns: Record<string, unknown>) =>
  client.query(
    `INSERT INTO replays (${Object.keys(columns).join(', ')}) VALUES (${Object.keys(columns)
      .map((_, index) => `$${index + 1}`)
      .join(', ')})`,
    Object.values(columns),
  );

async function findUnknown(client: Queryable, wanted: WantedReplay): Promise<Refusal | null> {
  const { accountId, accountIds, eventId } = wanted;
  const missing = await client.query<{ id: string }>(
    `SELECT w.id FROM unnest($1::text[]) AS w (id) WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.id = w.id AND a.deleted_at IS NULL) LIMIT 1`,
    [accountIds],
  );
  const [account] = missing.rows;
  if (account)
    return accountId === null ? { outcome: 'unknown', what: 'account', id: account.id } : { outcome: 'not_found' };
  const refusal = (await findNotReceiving(client, wanted)) ?? (await findUnknownReplay(client, wanted));
  if (refusal || eventId === null) return refusal;
  const event = await client.query('SELECT FROM events WHERE account_id = $1 AND id = $2', [accountIds[0], eventId]);
  return event.rowCount === 0 ? { outcome: 'unknown', what: 'event', id: eventId } : null;
}

/** An account may name its own replays and those of operators, which may have deliveries of it. */
async function findUnknownReplay(client: Queryable, { accountId, ofReplayId }: WantedReplay): Promise<Refusal | null> {
  if (ofReplayId === null) return null;
  const { rowCount } = await client.query(
    'SELECT FROM replays WHERE id = $1 AND ($2::text IS NULL OR account_id IS NULL OR account_id = $2)',
    [ofReplayId, accountId],
  );
  return rowCount === 0 ? { outcome: 'unknown', what: 'replay', id: ofReplayId } : null;
}

async function findNotReceiving(
  client: Queryable,
  { accountIds, subscriptionIds }: WantedReplay,
): Promise<Refusal | null> {
  const { rows } = await client.query<{ id: string; status: SubscriptionStatus | null }>(
    `SELECT w.id, s.status FROM unnest($1::uuid[]) WITH ORDINALITY AS w (id, n)
     LEFT JOIN subscriptions s ON s.id = w.id AND s.deleted_at IS NULL AND ($2::text[] = '{}' OR s.account_id = ANY ($2))
     ORDER BY w.n`,
    [subscriptionIds, accountIds],
  );
  for (const { id, status } of rows) {
    if (status === null) return { outcome: 'unknown', what: 'subscription', id };
    if (status === 'unverified')
      return { outcome: 'not_possible', reason: 'a subscription is not verified yet; verify it first' };
    if (status === 'disabled')
      return { outcome: 'not_possible', reason: 'a subscription is disabled; resume it first' };
  }
  return null;
}

/** Returns a running replay with some of the same subscriptions, or any one if too many are running. A replay of one event may run beside
 *  others. Uses replays_account_running_idx. */
async function findRunning(
  client: Queryable,
  { accountId, subscriptionIds, eventId }: WantedReplay,
): Promise<Refusal | null> {
  const { rows } = await client.query<{ id: string; overlaps: boolean }>(
    `SELECT id, event_id IS NULL AND $3::uuid IS NULL AND ($2::uuid[] = '{}' OR subscription_ids = '{}' OR subscription_ids && $2) AS overlaps
     FROM replays WHERE status = 'running' AND account_id ${accountId === null ? 'IS NOT DISTINCT FROM $1' : '= $1'}
     LIMIT ${MAX_RUNNING}`,
    [accountId, subscriptionIds, eventId],
  );
  const running = rows.find(({ overlaps }) => overlaps) ?? (rows.length >= MAX_RUNNING ? rows[0] : undefined);
  return running ? { outcome: 'running', replayId: running.id } : null;
}
