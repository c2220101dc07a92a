import type pg from 'pg';
import { inTransaction } from '../database.js';
import { SHARDS } from '../shards.js';
import { dueOf, FIRST_FEW, overlookedIn, overdue } from '../ledger-metrics/overdue.js';
import type { SubscriptionStatus } from '../generated/prisma/client.js';

/** A subscription that somebody should look at. */
export interface Attention {
  subscriptionId: string;
  accountId: string;
  url: string;
  /** Of an `active` one: it fails, or something of it is overdue. */
  status: SubscriptionStatus;
  statusReason: string | null;
  /** Why its last verification failed. */
  verificationReason: string | null;
  isOverdue: boolean;
  since: Date;
}

export interface AttentionQuery {
  /** null: over all accounts. */
  accountId: string | null;
  /** Behind which one the page begins; null: the first page. */
  before: { at: Date; id: string } | null;
  limit: number;
}

const SINCE = `CASE WHEN s.status = 'active' THEN s.failing_since ELSE s.status_changed_at END`;
// To the letter the condition of subscriptions_attention_idx and subscriptions_account_attention_idx.
const IS_IN_NEED = `s.deleted_at IS NULL
    AND (s.status = 'unverified' OR s.status = 'active' AND s.failing_since IS NOT NULL OR s.status = 'disabled' AND s.status_reason <> 'manual')`;
/** So many subscriptions that nobody looked at are asked for what is overdue: a backlog of a million must not make
 *  looking at it dear. How much is overdue in all, the ledger metrics count. */
const MOST_OVERLOOKED = 10_000;
const TIMEOUT_MS = 3_000;
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

// What is in need stands in an index of its own, in order: a page of it costs what it holds, however many subscriptions there are.
// What is overdue is nobody's fault but ours, and found as the dispatcher finds it. An unverified one is in need only when its
// verification has failed: until then it is under way.
const listOf = (owed: string, isInNeed: string, order: string): string => `
WITH ${owed},
${dueOf('owed')},
late AS (SELECT id, min(due_at) AS since FROM (${overdue(FIRST_FEW)}) d GROUP BY id)
SELECT id AS "subscriptionId", account_id AS "accountId", url, status, status_reason AS "statusReason", reason AS "verificationReason",
  is_overdue AS "isOverdue", since
FROM (
  (
    SELECT s.id, s.account_id, s.url, s.status, s.status_reason, CASE WHEN s.status = 'unverified' THEN v.reason END AS reason,
      false AS is_overdue, ${SINCE} AS since
    FROM subscriptions s LEFT JOIN LATERAL (SELECT status, reason FROM verifications WHERE id = s.verification_id LIMIT 1) v ON true
    WHERE ${IS_IN_NEED} AND ${isInNeed}
      AND (s.status <> 'unverified' OR v.status IS DISTINCT FROM 'pending')
    ORDER BY ${order} LIMIT $3
  )
  UNION ALL
  (
    SELECT s.id, s.account_id, s.url, s.status, s.status_reason, NULL, true, l.since
    FROM late l JOIN subscriptions s ON s.id = l.id
    WHERE NOT (${IS_IN_NEED}) AND s.deleted_at IS NULL AND (l.since, s.id) < ($1::timestamptz, $2::uuid)
    ORDER BY l.since DESC, s.id DESC LIMIT $3
  )
) a
ORDER BY since DESC, id DESC LIMIT $3`;

const OF_ALL = listOf(
  overlookedIn(`unnest('{${SHARDS.join()}}'::smallint[]) AS s (shard)`, { most: MOST_OVERLOOKED / SHARDS.length }),
  `(${SINCE}, s.id) < ($1::timestamptz, $2::uuid)`,
  `${SINCE} DESC, s.id DESC`,
);
// Compared as rows, as in newest-first.ts.
const OF_ACCOUNT = listOf(
  overlookedIn('(SELECT posthorn_shard($4) AS shard) s', { most: MOST_OVERLOOKED, more: 'AND account_id = $4' }),
  `s.account_id >= $4 AND (s.account_id, ${SINCE}, s.id) < ($4, $1::timestamptz, $2::uuid)`,
  `s.account_id DESC, ${SINCE} DESC, s.id DESC`,
);

/** The subscriptions that somebody should look at, the newest trouble first: disabled by Posthorn and not by hand, failing, with
 *  a verification that failed, or with deliveries overdue. Throws when the database does, or takes longer than TIMEOUT_MS. */
export async function listAttention(pool: pg.Pool, { accountId, before, limit }: AttentionQuery): Promise<Attention[]> {
  const page = [before?.at ?? 'infinity', before?.id ?? LAST_ID, limit];
  return inTransaction(pool, async (client) => {
    await client.query(`SET LOCAL statement_timeout = ${TIMEOUT_MS}`);
    const { rows } = await client.query<Attention>(
      accountId === null
        ? { name: 'list-attention', text: OF_ALL, values: page }
        : { name: 'list-attention-of-account', text: OF_ACCOUNT, values: [...page, accountId] },
    );
    return rows;
  });
}
