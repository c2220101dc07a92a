import type pg from 'pg';
import type { Database } from '../database.js';
import { isOfEvent } from '../delivery-tables.js';
import { isExpanding } from '../publish/read-fan-outs.js';
import type { Log } from '../log.js';
import { dropOldStats } from '../stats/drop-old-stats.js';
import { addPartitions, Stopped } from './add-partitions.js';
import { dropOldFanOuts, dropOldKeys } from './drop-old-keys.js';
import { dropPartition, estimateRows, readNeeded } from './drop-partition.js';
import {
  KEY,
  PARTITIONED,
  type Partition,
  type Partitioned,
  firstIdAt,
  otherOf,
  readPartitions,
} from './partitions.js';
import { type Walk, walk, walkAccounts } from './walk.js';
import { MAX_LOCK_ATTEMPTS, type Round, whenUnlocked } from './when-unlocked.js';

export interface RetentionOptions {
  db: Pick<Database, 'direct'>;
  /** Older rows are deleted unless their delivery is pending. */
  retentionDays: number;
  /** Older payloads and response bodies are erased, but their rows stay; null: never before the rows. */
  payloadRetentionDays: number | null;
  /** Older audit log entries are deleted. Default: none. */
  auditRetentionDays?: number;
  log: Log;
  observe?: (gone: { table: RetainedTable; count: number }) => void;
  /** Default: the database's clock. */
  now?: () => Date;
}

export const RETAINED_TABLES = [
  ...PARTITIONED,
  'idempotency_keys',
  'fan_outs',
  'verifications',
  'payloads',
  'audit_entries',
  'stats',
] as const;
export type RetainedTable = (typeof RETAINED_TABLES)[number];

export interface Retention {
  /** Runs one round. Returns how many rows were deleted (for dropped partitions: Postgres' estimate); null if
   *  another process runs retention, or if it was stopped during a long statement. Ends soon after `signal`; the next round continues. */
  run(signal: AbortSignal): Promise<Record<RetainedTable, number> | null>;
}

/** The working process holds this lock until its connection ends. (Distinct from the dispatcher's lock, which must
 *  stay free.) */
const LOCK = 72_707_371;
const DAY_MS = 24 * 60 * 60 * 1_000;

// The current verification of a subscription stays.
const SETTLED_VERIFICATIONS = `
  DELETE FROM verifications v USING scanned l
  WHERE v.id = l.id AND v.leased_until IS NULL AND v.status <> 'pending'
    AND NOT EXISTS (SELECT FROM subscriptions s WHERE s.verification_id = v.id)`;
const AUDITED = 'DELETE FROM audit_entries a USING scanned l WHERE a.id = l.id';
/** Walks each table in the order of its key. */
const WALK: Record<Partitioned, typeof walkAccounts> = {
  finished_deliveries: walk,
  events: walkAccounts,
  earlier_attempts: (client, walked: Walk, signal) => walk(client, { ...walked, key: KEY.earlier_attempts }, signal),
};
const NEEDED_BY_NO_DELIVERY: Record<Partitioned, (partition: string) => string> = {
  finished_deliveries: (partition) => `DELETE FROM ${partition} d USING scanned l WHERE d.id = l.id`,
  events: (partition) =>
    `DELETE FROM ${partition} e USING scanned l WHERE e.account_id = l.account_id AND e.id = l.id AND NOT EXISTS (SELECT FROM deliveries d WHERE ${isOfEvent('e.id')} OFFSET 0)
       AND NOT ${isExpanding('e.id')}`,
  earlier_attempts: (partition) =>
    `DELETE FROM ${partition} a USING scanned l WHERE a.delivery_id = l.id AND NOT EXISTS (SELECT FROM deliveries d WHERE d.id = l.id)`,
};
// No event is published with an empty body, so an empty body means that it was erased.
const ERASED: Partial<Record<Partitioned, string>> = {
  events: `
  UPDATE events e SET body = '' FROM scanned l
  WHERE e.account_id = l.account_id AND e.id = l.id AND octet_length(e.body) > 0 AND NOT EXISTS (
    SELECT FROM pending_deliveries d WHERE ${isOfEvent('e.id')} OFFSET 0
  ) AND NOT ${isExpanding('e.id')}`,
  finished_deliveries: emptyResponses('finished_deliveries', { key: 'id', outcome: 'last_outcome' }),
  earlier_attempts: emptyResponses('earlier_attempts', { key: 'delivery_id', outcome: 'outcome' }),
};

/** The error of an unreadable response quotes its beginning. */
function emptyResponses(table: Partitioned, { key, outcome }: { key: string; outcome: string }): string {
  return `
  UPDATE ${table} a SET response_body = NULL, error = CASE WHEN ${outcome} <> 'bad_response' THEN error END
  FROM scanned l WHERE a.${key} = l.id AND a.response_body IS NOT NULL`;
}

/** Deletes old rows in the background:
 *
 *  finished_deliveries  with their partition, which is dropped when all its rows are older than retentionDays. (Pending deliveries stay
 *                       at any age and are deleted soon after they have finished.)
 *  events               with their partition, if no delivery is left and none is to be written
 *  earlier_attempts     with the partition of their delivery, if that is not pending
 *  idempotency_keys     after 24 hours, a few at a time
 *  fan_outs             complete ones, 25 hours after their event, a few at a time
 *  verifications        ended, and not the current one of a subscription: a few at a time, with their attempts
 *  audit_entries        a few at a time
 *  stats                at the age in drop-old-stats.ts, a few at a time
 *  payloads             bodies of events without pending deliveries, and response bodies: erased a few at a time, if configured
 *
 *  Rows outside time partitions (see partitions.ts) are deleted a few at a time, too. Each step is a statement or a transaction of its
 *  own, so after a crash the next round continues. */
export function openRetention({
  db,
  retentionDays,
  payloadRetentionDays,
  auditRetentionDays,
  log,
  observe,
  now,
}: RetentionOptions): Retention {
  const erase = openErase();

  async function run(signal: AbortSignal): ReturnType<Retention['run']> {
    return withLock(db.direct, (client) => work(client, signal)).catch((error: unknown) => {
      if (error instanceof Stopped) return null;
      throw error;
    });
  }

  async function work(client: pg.PoolClient, signal: AbortSignal): Promise<Record<RetainedTable, number>> {
    const round: Round = { client, lockAttempts: { left: MAX_LOCK_ATTEMPTS }, signal };
    const at = now?.() ?? (await readClock(client));
    const gone: Record<RetainedTable, number> = {
      idempotency_keys: 0,
      fan_outs: 0,
      finished_deliveries: 0,
      events: 0,
      earlier_attempts: 0,
      verifications: 0,
      payloads: 0,
      audit_entries: 0,
      stats: 0,
    };
    const report = (table: RetainedTable, count: number) => {
      gone[table] += count;
      if (count > 0) observe?.({ table, count });
    };
    await addPartitions(round, { at, retentionDays, log });
    report('idempotency_keys', await dropOldKeys(client, at, signal));
    report('fan_outs', await dropOldFanOuts(client, at, signal));
    const until = firstIdAt(at.getTime() - retentionDays * DAY_MS);
    for (const table of PARTITIONED) report(table, await dropOld(round, { table, until, log }));
    const verifications = { table: 'verifications', changed: SETTLED_VERIFICATIONS, until };
    report('verifications', (await walk(client, verifications, signal)).count);
    if (payloadRetentionDays !== null && payloadRetentionDays < retentionDays) {
      report('payloads', await erase(client, firstIdAt(at.getTime() - payloadRetentionDays * DAY_MS), signal));
    }
    if (auditRetentionDays !== undefined) {
      const oldest = firstIdAt(at.getTime() - auditRetentionDays * DAY_MS);
      report(
        'audit_entries',
        (await walk(client, { table: 'audit_entries', changed: AUDITED, until: oldest }, signal)).count,
      );
    }
    report('stats', await dropOldStats(client, { at, retentionDays }, signal));
    return gone;
  }

  return { run };
}

/** Drops old partitions, or deletes single rows if too many are still needed. Old rows of other partitions, and of
 *  the first one, which has everything older, do not wait for that. */
async function dropOld(
  round: Round,
  { table, until, log }: { table: Partitioned; until: string; log: Log },
): Promise<number> {
  const { client, signal } = round;
  const thinOut = async (name: string): Promise<number> =>
    (await WALK[table](client, { table: name, changed: NEEDED_BY_NO_DELIVERY[table](name), until }, signal)).count;
  const dropOrThin = async (partition: Partition): Promise<number> => {
    const needed = await readNeeded(client, table, partition);
    if (needed === null) return thinOut(partition.name);
    const count = await estimateRows(client, partition);
    // Another transaction reads the partition: a later round drops it.
    if (!(await whenUnlocked(round, partition.name, dropPartition(table, partition)))) return 0;
    log.info({ partition: partition.name, kept: needed.length }, 'retention.dropped');
    return Math.max(0, count - needed.length);
  };
  let count = 0;
  for (const partition of await readPartitions(client, table)) {
    if (signal.aborted) return count;
    if (partition.until <= until) count += await dropOrThin(partition);
    else if (partition.from === null) count += await thinOut(partition.name);
  }
  return count + (await thinOut(otherOf(table)));
}

/** Erases payloads a few at a time; the function returns how many. It continues at its last position, skips rows
 *  that stay, and starts over once a day for rows that were pending before. */
function openErase(): (client: pg.PoolClient, until: string, signal: AbortSignal) => Promise<number> {
  const positions: Partial<Record<Partitioned, string>> = {};
  let restartAt = 0;
  return async (client, until, signal) => {
    if (Date.now() >= restartAt) {
      restartAt = Date.now() + DAY_MS;
      for (const table of PARTITIONED) delete positions[table];
    }
    let count = 0;
    for (const [table, changed] of Object.entries(ERASED) as [Partitioned, string][]) {
      const after = positions[table];
      const walked = await WALK[table](client, { table, changed, until, ...(after && { after }) }, signal);
      positions[table] = walked.position;
      count += walked.count;
    }
    return count;
  };
}

/** Returns null if another process has the lock. */
async function withLock<T>(direct: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T | null> {
  const client = await direct.connect();
  // As in inTransaction: a connection that breaks while idle must not end the process.
  const hear = () => {};
  client.on('error', hear);
  let broken = true;
  try {
    const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [LOCK]);
    const result = rows[0]?.locked ? await work(client) : null;
    if (rows[0]?.locked) await client.query('SELECT pg_advisory_unlock($1)', [LOCK]);
    broken = false;
    return result;
  } finally {
    // After an error, closing the connection releases the lock.
    client.release(broken);
    client.off('error', hear);
  }
}

async function readClock(client: pg.ClientBase): Promise<Date> {
  const { rows } = await client.query<{ at: Date }>('SELECT now() AS at');
  return rows[0]?.at ?? new Date();
}
