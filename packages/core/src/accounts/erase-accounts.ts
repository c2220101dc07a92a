import pg from 'pg';
import { inTransaction } from '../database.js';
import { dropDeltasOf } from '../stats/fold-stats.js';
import { inIdOrder } from '../look-up.js';
import { NO_AUTHENTICATION } from '../secrets/own-access.js';

/** How far the erasure of an account is. */
interface At {
  accountId: string;
  /** The key of the last erased row of this part; empty at its beginning. */
  position: string;
  /** Maximum number of rows per statement. */
  atOnce: number;
}

/** Erases (or closes) at most `atOnce` rows after `position`. Returns how many, and the next position; null: none
 *  left. */
type Erase = (client: pg.PoolClient, at: At) => Promise<{ count: number; position: string | null }>;

// The parts of an erasure, in order:
//
//   requests          erases nothing: waits for requests that locked the account before the mark (later ones find
//                     no account), and cancels replays
//   fan_outs          so that nothing expands
//   subscriptions     closed, with their secrets and header values, so that nothing is written for them any more
//   pending           pending deliveries, with their attempts, so that the dispatcher finds none
//   events            and thus all payloads
//   deliveries        finished deliveries and those that became pending meanwhile, with their attempts
//   due_subscriptions
//   verifications     with their attempts
//   idempotency_keys, stats, replays, sessions, api_keys
//   history           the subscriptions themselves
//
// Finally the account's own row is deleted, with the rows that reference it. Each part follows an index that begins
// with the account or the subscription and continues at its position, so it does not read dead rows again. The audit
// log stays.
const PARTS = {
  requests: waitForRequests,
  fan_outs: inOrder('fan_outs', { key: 'event_id', type: 'uuid' }),
  subscriptions: closeSubscriptions,
  pending: eraseDeliveries('pending_deliveries'),
  events: inOrder('events', { key: 'id', type: 'uuid' }),
  deliveries: eraseDeliveries('deliveries'),
  due_subscriptions: inAnyOrder('due_subscriptions'),
  verifications: eraseVerifications,
  idempotency_keys: inOrder('idempotency_keys', { key: 'key', type: 'text' }),
  stats: eraseStats,
  replays: inAnyOrder('replays'),
  sessions: inAnyOrder('sessions'),
  api_keys: inAnyOrder('api_keys'),
  history: inAnyOrder('subscriptions'),
} as const satisfies Record<string, Erase>;

export type ErasedPart = keyof typeof PARTS;
const ORDER = Object.keys(PARTS) as ErasedPart[];
export const FIRST_PART: ErasedPart = 'requests';

export interface ErasedStep {
  accountId: string;
  part: ErasedPart;
  /** Rows that this step erased. */
  count: number;
  /** Rows erased since the account was marked. */
  rowCount: number;
  /** When the account was marked. */
  deletedAt: Date;
  /** The account is erased completely. */
  isErased: boolean;
}

/** How long a transaction that locks a row may take to finish. */
const LOCK_TIMEOUT_MS = 1_000;
const ROWS_AT_ONCE = 1_000;

/** Makes one step of erasing the marked account that has waited longest, in one transaction. Rows and position are
 *  committed together, so after a crash any process continues. Any number of processes may call it; one at a time
 *  erases an account.
 *  A statement changes at most `atOnce` rows (or all attempts of one delivery).
 *  Returns null if no account is marked, and `busy` if a row is locked: call it again later. */
export async function eraseStep(
  pool: pg.Pool,
  { atOnce = ROWS_AT_ONCE }: { atOnce?: number } = {},
): Promise<ErasedStep | 'busy' | null> {
  try {
    return await inTransaction(pool, (client) => step(client, atOnce));
  } catch (error) {
    if (error instanceof Busy || isLocked(error)) return 'busy';
    throw error;
  }
}

/** Returns how many accounts are marked and not erased yet. */
export async function countErasing(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('SELECT count(*)::int AS count FROM erasures');
  return rows[0]?.count ?? 0;
}

async function step(client: pg.PoolClient, atOnce: number): Promise<ErasedStep | null> {
  await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  const { rows } = await client.query<{
    accountId: string;
    part: ErasedPart;
    position: string;
    rowCount: number;
    deletedAt: Date;
  }>(
    `SELECT e.account_id AS "accountId", e.part, e.position, e.row_count::float8 AS "rowCount", a.deleted_at AS "deletedAt"
     FROM erasures e JOIN accounts a ON a.id = e.account_id ORDER BY e.changed_at LIMIT 1 FOR UPDATE OF e SKIP LOCKED`,
  );
  const [erasure] = rows;
  if (!erasure) return null;
  const { accountId, deletedAt } = erasure;
  let { part, position } = erasure;
  for (;;) {
    const erased = await PARTS[part](client, { accountId, position, atOnce });
    const next = erased.position === null ? ORDER[ORDER.indexOf(part) + 1] : part;
    const rowCount = erasure.rowCount + erased.count;
    if (next === undefined) {
      await client.query('DELETE FROM accounts WHERE id = $1', [accountId]);
      return { accountId, part, count: erased.count, rowCount, deletedAt, isErased: true };
    }
    // Skips all empty parts in one step.
    if (erased.count > 0) {
      await client.query(
        'UPDATE erasures SET part = $2, position = $3, row_count = $4, changed_at = clock_timestamp() WHERE account_id = $1',
        [accountId, next, erased.position ?? '', rowCount],
      );
      return { accountId, part, count: erased.count, rowCount, deletedAt, isErased: false };
    }
    part = next;
    position = erased.position ?? '';
  }
}

/** Another transaction has locked a row of the account. */
class Busy extends Error {}

/** lock_not_available, deadlock_detected. */
const isLocked = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && ['55P03', '40P01'].includes(error.code ?? '');

/** Lower than any id. */
const BEFORE_ALL = { uuid: '00000000-0000-0000-0000-000000000000', text: '' };

async function waitForRequests(client: pg.PoolClient, { accountId }: At): ReturnType<Erase> {
  await client.query('SELECT FROM accounts WHERE id = $1 FOR UPDATE', [accountId]);
  // Also waits for a running step of a replay.
  await client.query(
    `UPDATE replays SET status = 'canceled', ended_at = now() WHERE account_id = $1 AND status = 'running'`,
    [accountId],
  );
  return { count: 0, position: null };
}

/** Marks subscriptions as deleted and erases their secrets and header values; their rows stay for now. Uses
 *  subscriptions_account_id_id_idx. */
export async function closeSubscriptions(
  client: pg.PoolClient,
  { accountId, position, atOnce }: At,
): ReturnType<Erase> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM subscriptions WHERE ${inIdOrder('account_id', '$1', { from: '$2::uuid' })} AND id <> $2
     ORDER BY account_id, id LIMIT $3 FOR NO KEY UPDATE`,
    [accountId, position || BEFORE_ALL.uuid, atOnce],
  );
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return { count: 0, position: null };
  const closed = await client.query(
    `UPDATE subscriptions SET deleted_at = now(), updated_at = now(), description = NULL, metadata = '{}', pending_url = NULL,
       headers_sealed = NULL, headers_origin = NULL, pending_headers_sealed = NULL, pending_headers_origin = NULL, ${NO_AUTHENTICATION}
     WHERE id = ANY ($1) AND deleted_at IS NULL`,
    [ids],
  );
  const secrets = await client.query('DELETE FROM secrets WHERE subscription_id = ANY ($1)', [ids]);
  const count = (closed.rowCount ?? 0) + (secrets.rowCount ?? 0);
  return { count, position: ids.length < atOnce ? null : (ids.at(-1) ?? null) };
}

/** Erases rows of a table in the order of a key. Uses the index that begins with the account and that key. */
function inOrder(
  table: 'events' | 'fan_outs' | 'idempotency_keys',
  { key, type }: { key: string; type: keyof typeof BEFORE_ALL },
): Erase {
  return async (client, { accountId, position, atOnce }) => {
    const from = position || BEFORE_ALL[type];
    const { rows } = await client.query<{ last: string }>(
      `SELECT ${key} AS last FROM ${table} WHERE account_id = $1 AND ${key} > $2 ORDER BY ${key} LIMIT $3`,
      [accountId, from, atOnce],
    );
    const last = rows.at(-1)?.last;
    if (last === undefined) return { count: 0, position: null };
    const { rowCount } = await client.query(
      `DELETE FROM ${table} WHERE account_id = $1 AND ${key} > $2 AND ${key} <= $3`,
      [accountId, from, last],
    );
    return { count: rowCount ?? 0, position: rows.length < atOnce ? null : last };
  };
}

/** Erases rows of a table in any order, for tables with few rows, where rereading dead rows does not matter. Uses
 *  the index that begins with the account. */
function inAnyOrder(
  table: 'due_subscriptions' | 'stats' | 'replays' | 'sessions' | 'api_keys' | 'subscriptions',
  condition = 'account_id = $1',
): Erase {
  return async (client, { accountId, atOnce }) => {
    const { rowCount } = await client.query(
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${condition} LIMIT $2))`,
      [accountId, atOnce],
    );
    return { count: rowCount ?? 0, position: rowCount === 0 ? null : 'begun' };
  };
}

async function eraseStats(client: pg.PoolClient, at: At): ReturnType<Erase> {
  if (at.position === '') await dropDeltasOf(client, at.accountId);
  return inAnyOrder('stats', `width IN ('minute', 'hour') AND account_id = $1`)(client, at);
}

interface Candidate {
  id: string;
  attemptCount: number;
  /** The position after this row. */
  position: string;
}

/** Uses the tables' indexes by account. A retry or a result may move a delivery to the other table meanwhile. One
 *  statement over both tables finds it in one of them, and the step is repeated if its row is locked. */
function eraseDeliveries(source: 'pending_deliveries' | 'deliveries'): Erase {
  return async (client, { accountId, position, atOnce }) => {
    const { rows } = await client.query<Candidate>(
      `SELECT id, attempt_count AS "attemptCount", id AS position FROM ${source}
       WHERE ${inIdOrder('account_id', '$1', { from: '$2::uuid' })} AND id <> $2 ORDER BY account_id, id LIMIT $3`,
      [accountId, position || BEFORE_ALL.uuid, atOnce],
    );
    return eraseWithAttempts(client, source, { rows, atOnce });
  };
}

/** Uses verifications_account_id_created_at_idx. */
async function eraseVerifications(client: pg.PoolClient, at: At): ReturnType<Erase> {
  const { rows } = await client.query<Candidate>(
    `SELECT id, attempt_count AS "attemptCount", 'begun' AS position FROM verifications WHERE account_id = $1 ORDER BY created_at LIMIT $2`,
    [at.accountId, at.atOnce],
  );
  return eraseWithAttempts(client, 'verifications', { rows, atOnce: at.atOnce });
}

/** Where rows and their attempts are stored, and the column that refers from the attempts to the row. */
const ERASED = {
  pending_deliveries: { tables: ['pending_deliveries'], attempts: 'earlier_attempts', key: 'delivery_id' },
  deliveries: {
    tables: ['pending_deliveries', 'finished_deliveries'],
    attempts: 'earlier_attempts',
    key: 'delivery_id',
  },
  verifications: { tables: ['verifications'], attempts: 'verification_attempts', key: 'verification_id' },
};

/** Attempts have no index by account, so they are erased with their delivery or verification. That row is locked
 *  first and read again: otherwise a result that is being recorded would leave an attempt behind. Uses the keys of
 *  both tables of attempts. */
async function eraseWithAttempts(
  client: pg.PoolClient,
  source: keyof typeof ERASED,
  { rows, atOnce }: { rows: Candidate[]; atOnce: number },
): ReturnType<Erase> {
  const chosen = firstFew(rows, atOnce);
  const last = chosen.at(-1);
  if (!last) return { count: 0, position: null };
  const ids = chosen.map(({ id }) => id);
  const { tables, attempts, key } = ERASED[source];
  let locked = 0;
  for (const table of tables) {
    const { rowCount } = await client.query(`SELECT FROM ${table} WHERE id = ANY ($1) FOR UPDATE SKIP LOCKED`, [ids]);
    locked += rowCount ?? 0;
  }
  if (locked !== ids.length) throw new Busy();
  const made = await client.query(`DELETE FROM ${attempts} WHERE ${key} = ANY ($1)`, [ids]);
  for (const table of tables) await client.query(`DELETE FROM ${table} WHERE id = ANY ($1)`, [ids]);
  return { count: ids.length + (made.rowCount ?? 0), position: last.position };
}

/** Returns the first rows with at most `atOnce` attempts together, at least one row. */
function firstFew(rows: Candidate[], atOnce: number): Candidate[] {
  let attempts = 0;
  return rows.filter(({ attemptCount }, index) => {
    attempts += attemptCount;
    return index === 0 || attempts <= atOnce;
  });
}
