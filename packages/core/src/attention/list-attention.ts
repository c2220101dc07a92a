import type pg from 'pg';
import { inTransaction } from '../database.js';
import { SHARDS } from '../shards.js';
import { dueOf, FIRST_FEW, overlookedIn, overdue } from '../ledger-metrics/overdue.js';
import type { SubscriptionStatus } from '../generated/prisma/client.js';

/** A subscription that needs attention. */
export interface Attention {
  subscriptionId: string;
  accountId: string;
  url: string;
  /** `active`: it fails, or has overdue deliveries. */
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
  /** The page starts after this subscription; null: the first page. */
  before: { at: Date; id: string } | null;
  limit: number;
}

const SINCE = `CASE WHEN s.status = 'active' THEN s.failing_since ELSE s.status_changed_at END`;
// Must equal the condition of subscriptions_attention_idx and subscriptions_account_attention_idx exactly.
const IS_IN_NEED = `s.deleted_at IS NULL
    AND (s.status = 'unverified' OR s.status = 'active' AND s.failing_since IS NOT NULL OR s.status = 'disabled' AND s.status_reason <> 'manual')`;
/** How many overlooked subscriptions are checked for overdue deliveries, to bound the cost with a large backlog. The
 *  ledger metrics count all overdue deliveries. */
const MOST_OVERLOOKED = 10_000;
const TIMEOUT_MS = 3_000;
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

// An ordered index contains the subscriptions that need attention, so a page costs only what it lists. Overdue
// deliveries are found as the dispatcher finds them. An unverified subscription needs attention only after its
// verification has failed.
const listOf = (candidates: string, isInNeed: string, order: string): string => `
WITH ${candidates},
${dueOf('candidates')},
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
// Compared as rows, like in newest-first.ts.
const OF_ACCOUNT = listOf(
  overlookedIn('(SELECT posthorn_shard($4) AS shard) s', { most: MOST_OVERLOOKED, more: 'AND account_id = $4' }),
  `s.account_id >= $4 AND (s.account_id, ${SINCE}, s.id) < ($4, $1::timestamptz, $2::uuid)`,
  `s.account_id DESC, ${SINCE} DESC, s.id DESC`,
);

/** Returns the subscriptions that need attention, the newest problem first: disabled by Posthorn (not manually),
 *  failing, with a failed verification, or with overdue deliveries. Throws if the database fails or takes longer
 *  than TIMEOUT_MS. */
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
