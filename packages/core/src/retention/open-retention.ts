import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Database } from '../database.js';
import { isOfEvent } from '../delivery-tables.js';
import { isExpanding } from '../publish/read-fan-outs.js';
import type { Log } from '../log.js';
import { dropOldStats } from '../stats/drop-old-stats.js';
import { dropPartition, estimateRows, readNeeded } from './drop-partition.js';
import {
  KEY,
  PARTITIONED,
  type Partition,
  type Partitioned,
  addPartition,
  firstIdAt,
  isCrowded,
  missingPartitions,
  otherOf,
  readPartitions,
} from './partitions.js';
import { type Walk, walk, walkAccounts } from './walk.js';

export interface RetentionOptions {
  db: Pick<Database, 'direct'>;
  /** What is older goes, unless it is still owed. */
  retentionDays: number;
  /** What was sent and what was answered goes earlier, the rows stay; null: at the same time. */
  payloadRetentionDays: number | null;
  /** Entries of the audit log that are older go. Untold: none does. */
  auditRetentionDays?: number;
  log: Log;
  observe?: (gone: { table: RetainedTable; count: number }) => void;
  /** The database's clock, unless told otherwise. */
  now?: () => Date;
}

export type RetainedTable = Partitioned | 'verifications' | 'payloads' | 'audit_entries' | 'stats';

export interface Retention {
  /** One round. Resolves with what went (of dropped partitions about so many rows, as Postgres estimates it); null when another
   *  process is at it. Ends soon after `signal`; what is left the next round does, whoever runs it. */
  run(signal: AbortSignal): Promise<Record<RetainedTable, number> | null>;
}

/** Held by whoever works, as long as its connection lives. (The next one after the dispatcher's: that one must be free meanwhile.) */
const LOCK = 72_707_371;
/** Deliveries wait behind a lock that is waited for, so it is given up soon, and tried again later. */
const LOCK_TIMEOUT_MS = 50;
/** Longest statement while everybody waits. */
const LOCKED_STATEMENT_MS = 500;
/** In one round, for all that it wants locks for: whoever reads one partition reads them all. */
const TRIES = 5;
const PAUSE_MS = 1_000;
const DAY_MS = 24 * 60 * 60 * 1_000;

// The one that counts for its subscription stays.
const SETTLED_VERIFICATIONS = `
  DELETE FROM verifications v USING looked l
  WHERE v.id = l.id AND v.leased_until IS NULL AND v.status <> 'pending'
    AND NOT EXISTS (SELECT FROM subscriptions s WHERE s.verification_id = v.id)`;
const AUDITED = 'DELETE FROM audit_entries a USING looked l WHERE a.id = l.id';
/** Each in the order of its table's key. */
const WALK: Record<Partitioned, typeof walkAccounts> = {
  finished_deliveries: walk,
  events: walkAccounts,
  earlier_attempts: (client, walked: Walk, signal) => walk(client, { ...walked, key: KEY.earlier_attempts }, signal),
};
const NEEDED_BY_NO_DELIVERY: Record<Partitioned, (partition: string) => string> = {
  finished_deliveries: (partition) => `DELETE FROM ${partition} d USING looked l WHERE d.id = l.id`,
  events: (partition) =>
    `DELETE FROM ${partition} e USING looked l WHERE e.account_id = l.account_id AND e.id = l.id AND NOT EXISTS (SELECT FROM deliveries d WHERE ${isOfEvent('e.id')} OFFSET 0)
       AND NOT ${isExpanding('e.id')}`,
  earlier_attempts: (partition) =>
    `DELETE FROM ${partition} a USING looked l WHERE a.delivery_id = l.id AND NOT EXISTS (SELECT FROM deliveries d WHERE d.id = l.id)`,
};
// Empty is what no event is published with, so it tells that there was more.
const ERASED: Partial<Record<Partitioned, string>> = {
  events: `
  UPDATE events e SET body = '' FROM looked l
  WHERE e.account_id = l.account_id AND e.id = l.id AND octet_length(e.body) > 0 AND NOT EXISTS (
    SELECT FROM pending_deliveries d WHERE ${isOfEvent('e.id')} OFFSET 0
  ) AND NOT ${isExpanding('e.id')}`,
  finished_deliveries: emptyResponses('finished_deliveries', { key: 'id', outcome: 'last_outcome' }),
  earlier_attempts: emptyResponses('earlier_attempts', { key: 'delivery_id', outcome: 'outcome' }),
};

/** The sentence about an unreadable response shows the beginning of it. */
function emptyResponses(table: Partitioned, { key, outcome }: { key: string; outcome: string }): string {
  return `
  UPDATE ${table} a SET response_body = NULL, error = CASE WHEN ${outcome} <> 'bad_response' THEN error END
  FROM looked l WHERE a.${key} = l.id AND a.response_body IS NOT NULL`;
}

/** Lets old rows go, in the background:
 *
 *  finished_deliveries  with their partition: it is dropped as a whole, once all of it is older than retentionDays. (Pending ones stay,
 *                       however old they are, and go soon after they have finished.)
 *  events          the same, when no delivery of theirs is left and none is to be written
 *  earlier_attempts  with the partition of their delivery, when that is not pending
 *  verifications   settled, and not the current one of a subscription: a few at a time, with their attempts
 *  audit_entries   a few at a time
 *  stats           as old as drop-old-stats.ts says: a few at a time
 *  payloads        bodies of events that are not owed, and answers: emptied a few at a time, where that is asked for
 *
 *  What is in no partition of its own (see partitions.ts) goes a few at a time too. Every step is a statement or a transaction of its
 *  own: a process that dies in the middle leaves nothing half done, and the next round goes on. */
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
    return withLock(db.direct, async (client) => {
      const round: Round = { client, tries: { left: TRIES }, signal };
      const at = now?.() ?? (await readClock(client));
      const gone: Record<RetainedTable, number> = {
        finished_deliveries: 0,
        events: 0,
        earlier_attempts: 0,
        verifications: 0,
        payloads: 0,
        audit_entries: 0,
        stats: 0,
      };
      const tell = (table: RetainedTable, count: number) => {
        gone[table] += count;
        if (count > 0) observe?.({ table, count });
      };
      await addPartitions(round, { at, retentionDays, log });
      const until = firstIdAt(at.getTime() - retentionDays * DAY_MS);
      for (const table of PARTITIONED) tell(table, await dropOld(round, { table, until, log }));
      const verifications = { table: 'verifications', changed: SETTLED_VERIFICATIONS, until };
      tell('verifications', (await walk(client, verifications, signal)).count);
      if (payloadRetentionDays !== null && payloadRetentionDays < retentionDays) {
        tell('payloads', await erase(client, firstIdAt(at.getTime() - payloadRetentionDays * DAY_MS), signal));
      }
      if (auditRetentionDays !== undefined) {
        const oldest = firstIdAt(at.getTime() - auditRetentionDays * DAY_MS);
        tell(
          'audit_entries',
          (await walk(client, { table: 'audit_entries', changed: AUDITED, until: oldest }, signal)).count,
        );
      }
      tell('stats', await dropOldStats(client, { at, retentionDays }, signal));
      return gone;
    });
  }

  return { run };
}

/** In order: a later partition before an earlier one would leave a gap for good. A partition is left out when the default partition holds more
 *  rows of its time than can be moved in a moment. These rows stay there, are read there, and are deleted there by their age. */
async function addPartitions(
  round: Round,
  { at, retentionDays, log }: { at: Date } & Pick<RetentionOptions, 'retentionDays' | 'log'>,
): Promise<void> {
  for (const table of PARTITIONED) {
    for (const partition of missingPartitions(table, await readPartitions(round.client, table), {
      at,
      retentionDays,
    })) {
      if (await isCrowded(round.client, table, partition)) {
        log.warn({ partition: partition.name }, 'retention.left_out');
        continue;
      }
      if (!(await whenUnlocked(round, addPartition(table, partition)))) break;
      log.info({ partition: partition.name }, 'retention.added');
    }
  }
}

/** Partitions that are old as a whole are dropped, or thinned out if too much of them is needed. The others' old rows, and those
 *  of the first partition, which holds whatever there was before it, do not wait for that. */
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
    // Somebody reads it: it goes as a whole when they have finished.
    if (!(await whenUnlocked(round, dropPartition(table, partition)))) return 0;
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

/** Empties payloads a few at a time; the function returns how many went. It passes over rows that stay: it goes on where it was, and once
 *  a day from the start, for what was pending then. */
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

interface Round {
  client: pg.PoolClient;
  tries: { left: number };
  signal: AbortSignal;
}

/** null: somebody else has the lock. */
async function withLock<T>(direct: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T | null> {
  const client = await direct.connect();
  // As in inTransaction: a connection that breaks while nobody queries it must not end the process.
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
    // After a fault the connection goes, and the lock with it.
    client.release(broken);
    client.off('error', hear);
  }
}

/** Runs a statement that waits for locks only briefly, as often as the round still may. false: they were not to be had, or it
 *  took too long. */
async function whenUnlocked({ client, tries, signal }: Round, statement: string): Promise<boolean> {
  while (tries.left > 0 && !signal.aborted) {
    try {
      await client.query(
        `BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SET LOCAL statement_timeout = ${LOCKED_STATEMENT_MS}`,
      );
      await client.query(`${statement}; COMMIT`);
      return true;
    } catch (error) {
      await client.query('ROLLBACK');
      if (!isBusy(error)) throw error;
      tries.left -= 1;
      if (tries.left > 0) await pause(PAUSE_MS, undefined, { signal }).catch(() => {});
    }
  }
  return false;
}

/** lock_not_available, query_canceled (its time was up), deadlock_detected. */
const isBusy = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && ['55P03', '57014', '40P01'].includes(error.code ?? '');

async function readClock(client: pg.ClientBase): Promise<Date> {
  const { rows } = await client.query<{ at: Date }>('SELECT now() AS at');
  return rows[0]?.at ?? new Date();
}
