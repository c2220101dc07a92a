import type pg from 'pg';
import type { Log } from '../log.js';
import { closeRange, isClosedRange, isRangeClosed, openRange, validateRange } from './closed-range.js';
import {
  MOVED_AT_ONCE,
  PARTITIONED,
  type Partition,
  type Partitioned,
  boundsOf,
  missingPartitions,
  otherOf,
  readPartitions,
} from './partitions.js';
import { QUIET_LOCK_TIMEOUT_MS, type Round, isBusy, whenUnlocked } from './when-unlocked.js';

/** Creates missing partitions in order: creating a later one first would leave a permanent gap.
 *
 *  To attach a partition, Postgres reads the whole default partition for rows of that time range, and everyone else
 *  waits. It does not read it if a CHECK excludes such rows. So the default partition decides how:
 *
 *  small   Its rows of the range move into the new partition while others wait. If they are too many, the partition
 *          is skipped.
 *  large   A CHECK closes the range (closed-range.ts). Postgres validates it while others read and write, and then
 *          attaches the partition at once. If a row violates the CHECK, the partition is skipped.
 *
 *  The rows of a skipped partition stay in the default partition, can be read there, and are deleted there by age.
 *
 *  Only a clock that is more than a day ahead makes ids of a closed range. The API responds to such a publish with 503;
 *  workers repeat such a record (isTransient). After a crash, the next round opens the range again. */
export async function addPartitions(
  round: Round,
  { at, retentionDays, log }: { at: Date; retentionDays: number; log: Log },
): Promise<void> {
  const { client } = round;
  for (const table of PARTITIONED) {
    if ((await isRangeClosed(client, table)) && !(await whenUnlocked(round, otherOf(table), openRange(table))))
      continue;
    for (const partition of missingPartitions(table, await readPartitions(client, table), { at, retentionDays })) {
      const add = (await isOtherLarge(client, table)) ? closeRangeAndAttach : moveAndAttach;
      const result = await add(round, table, partition);
      if (result === 'busy') break;
      if (result === 'added') log.info({ partition: partition.name }, 'retention.added');
      else log.warn({ partition: partition.name }, 'retention.left_out');
    }
  }
}

type Added = 'added' | 'left_out' | 'busy';

/** Postgres reads this much within milliseconds. */
const LARGE_BYTES = 8 * 1024 * 1024;
const VALIDATION_TIMEOUT_MS = 30 * 60 * 1_000;

async function isOtherLarge(client: pg.ClientBase, table: Partitioned): Promise<boolean> {
  const { rows } = await client.query<{ isLarge: boolean }>('SELECT pg_relation_size($1::regclass) > $2 AS "isLarge"', [
    otherOf(table),
    LARGE_BYTES,
  ]);
  return rows[0]?.isLarge === true;
}

async function moveAndAttach(round: Round, table: Partitioned, partition: Partition): Promise<Added> {
  if (await isCrowded(round.client, table, partition)) return 'left_out';
  const { name } = partition;
  // One statement, without round trips while others wait.
  const statement = `DO $$
BEGIN
  ${create(table, name)};
  LOCK TABLE ${otherOf(table)} IN ACCESS EXCLUSIVE MODE;
  WITH early AS (DELETE FROM ${otherOf(table)} WHERE ${boundsOf(table, partition)} RETURNING *) INSERT INTO ${name} SELECT * FROM early;
  ${attach(table, partition)};
END $$`;
  return (await whenUnlocked(round, otherOf(table), statement)) ? 'added' : 'busy';
}

async function closeRangeAndAttach(round: Round, table: Partitioned, partition: Partition): Promise<Added> {
  if (!(await whenUnlocked(round, otherOf(table), closeRange(table, partition)))) return 'busy';
  const validated = await validate(round, table);
  // Even after a stop, and with lock attempts of its own: rows of the range are refused until then.
  const reopening = () => ({ ...round, lockAttempts: { left: 3 }, signal: new AbortController().signal });
  const statements = [create(table, partition.name), attach(table, partition), openRange(table)].join('; ');
  if (validated === 'valid' && (await whenUnlocked(reopening(), otherOf(table), statements))) return 'added';
  await whenUnlocked(reopening(), otherOf(table), openRange(table));
  return validated === 'violated' ? 'left_out' : 'busy';
}

async function validate({ client, signal }: Round, table: Partitioned): Promise<'valid' | 'violated' | 'busy'> {
  await client.query(
    `BEGIN; SET LOCAL lock_timeout = ${QUIET_LOCK_TIMEOUT_MS}; SET LOCAL statement_timeout = ${VALIDATION_TIMEOUT_MS}`,
  );
  try {
    const validation = { text: validateRange(table), query_timeout: VALIDATION_TIMEOUT_MS };
    await untilStopped(client.query(validation), signal);
    await client.query('COMMIT');
    return 'valid';
  } catch (error) {
    if (error instanceof Stopped) throw error;
    await client.query('ROLLBACK');
    if (isClosedRange(error)) return 'violated';
    if (isBusy(error)) return 'busy';
    throw error;
  }
}

/** The round was stopped during a long statement. Its connection must be closed, so that Postgres rolls back. */
export class Stopped extends Error {}

function untilStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Stopped());
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Returns whether the default partition has more rows of this partition than can be moved. */
async function isCrowded(client: pg.ClientBase, table: Partitioned, partition: Partition): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM ${otherOf(table)} WHERE ${boundsOf(table, partition)} LIMIT ${MOVED_AT_ONCE + 1}`,
  );
  return (rowCount ?? 0) > MOVED_AT_ONCE;
}

const create = (table: Partitioned, name: string): string => `CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL)`;

const attach = (table: Partitioned, { name, from, until }: Partition): string =>
  `ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${from}') TO ('${until}')`;
