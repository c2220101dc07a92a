import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

/** One round of retention, on its own connection. */
export interface Round {
  client: pg.PoolClient;
  lockAttempts: { left: number };
  signal: AbortSignal;
}

/** Maximum number of lock attempts per round: a process that reads one partition reads them all. */
export const MAX_LOCK_ATTEMPTS = 5;
/** Nobody else waits for this lock. After a second, Postgres cancels an autovacuum that holds it. */
export const QUIET_LOCK_TIMEOUT_MS = 3_000;
/** Deliveries queue behind a waiting lock request, so give up soon and try again later. */
const LOCK_TIMEOUT_MS = 50;
/** Maximum duration of a statement that blocks others. */
const LOCKED_STATEMENT_MS = 500;
const PAUSE_MS = 1_000;

/** Runs statements that lock everyone out of `table` in one transaction, as often as the round allows. It waits only
 *  briefly for the lock, after it has ended an autovacuum of the table without blocking anyone.
 *  Returns false if it got no lock or took too long. */
export async function whenUnlocked(
  { client, lockAttempts, signal }: Round,
  table: string,
  statements: string,
): Promise<boolean> {
  while (lockAttempts.left > 0 && !signal.aborted) {
    try {
      await client.query(
        `BEGIN; SET LOCAL lock_timeout = ${QUIET_LOCK_TIMEOUT_MS}; LOCK TABLE ONLY ${table} IN SHARE UPDATE EXCLUSIVE MODE;
         SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SET LOCAL statement_timeout = ${LOCKED_STATEMENT_MS}`,
      );
      await client.query(`${statements}; COMMIT`);
      return true;
    } catch (error) {
      await client.query('ROLLBACK');
      if (!isBusy(error)) throw error;
      lockAttempts.left -= 1;
      if (lockAttempts.left > 0) await pause(PAUSE_MS, undefined, { signal }).catch(() => {});
    }
  }
  return false;
}

/** lock_not_available, query_canceled (timeout), deadlock_detected. */
export const isBusy = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && ['55P03', '57014', '40P01'].includes(error.code ?? '');
