import type { Database } from './database.js';
import { isDatabaseAway } from './database-away.js';
import type { Log } from './log.js';

/** Reads lists and statistics from a read replica, if one is configured and available, otherwise from the primary.
 *
 *  | state | reads go to | entered when |
 *  |---|---|---|
 *  | up | the replica | the start; a measurement succeeds |
 *  | down | the primary | a read or a measurement cannot reach the replica |
 *
 *  Each change is logged once. While the replica is down, reads start a measurement at most once a second and do not wait for it. */
export interface Reader {
  /** Runs `work` on the replica, and again on the primary if the replica is unavailable or canceled the read because
   *  of replication. So `work` must only read, and must not need rows that were just written. Throws what `work`
   *  throws. */
  read<T>(work: (db: Database) => Promise<T>): Promise<ReadResult<T>>;
  /** Returns the status of the replica, at most a second old; null: none is configured. Never throws. */
  measure(): Promise<ReplicaStatus | null>;
}

export interface ReadResult<T> {
  result: T;
  /** The lag of the replica; null: read from the primary, or unknown. */
  lagSeconds: number | null;
}

export interface ReplicaStatus {
  isUp: boolean;
  /** Seconds since the replica last applied a transaction, if it has not applied everything that the primary has
   *  written. 0: it has. null: unknown. */
  lagSeconds: number | null;
  /** Reads that used the primary instead, since the start. */
  fallbacks: number;
}

export interface ReaderOptions {
  primary: Database;
  replica: Database | null;
  log: Log;
}

const MEASURE_EVERY_MS = 1_000;
/** A replica that takes longer counts as unavailable. /readyz waits for the measurement. */
const MEASURE_WITHIN_MS = 2_000;

/** Opens no connections: the databases belong to the caller. */
export function openReader({ primary, replica, log }: ReaderOptions): Reader {
  if (!replica) {
    return {
      read: async (work) => ({ result: await work(primary), lagSeconds: null }),
      measure: () => Promise.resolve(null),
    };
  }
  const watch = watchReplica({ primary, replica, log });
  let fallbacks = 0;
  return {
    async read(work) {
      if (watch.isUp()) {
        try {
          const [result, lagSeconds] = await Promise.all([work(replica), watch.lagSeconds()]);
          return { result, lagSeconds };
        } catch (error) {
          if (isDatabaseAway(error)) watch.goAway(error);
          else if (!isReplicationConflict(error)) throw error;
        }
      } else void watch.lagSeconds();
      fallbacks += 1;
      return { result: await work(primary), lagSeconds: null };
    },
    async measure() {
      const lagSeconds = await watch.lagSeconds();
      return { isUp: watch.isUp(), lagSeconds, fallbacks };
    },
  };
}

/** Tracks the state of Reader's table. `lagSeconds` measures, never throws, and shares a measurement while it runs
 *  and until it is a second old. */
function watchReplica({ primary, replica, log }: ReaderOptions & { replica: Database }) {
  let awaySince: number | null = null;
  let measured: { at: number; lagSeconds: Promise<number | null> } | null = null;

  function goAway(error: unknown): void {
    if (awaySince !== null) return;
    awaySince = Date.now();
    log.warn({ err: error }, 'read_replica.away');
  }

  function comeBack(): void {
    if (awaySince === null) return;
    log.info({ awayMs: Date.now() - awaySince }, 'read_replica.back');
    awaySince = null;
  }

  async function measure(): Promise<number | null> {
    const written = await within(MEASURE_WITHIN_MS, readWritten(primary)).catch(() => null);
    try {
      const lagSeconds = await within(MEASURE_WITHIN_MS, readReplayLag(replica, written));
      comeBack();
      return lagSeconds;
    } catch (error) {
      goAway(error);
      return null;
    }
  }

  return {
    isUp: () => awaySince === null,
    goAway,
    lagSeconds(): Promise<number | null> {
      if (!measured || Date.now() - measured.at >= MEASURE_EVERY_MS) {
        const own = { at: Number.POSITIVE_INFINITY, lagSeconds: measure() };
        measured = own;
        void own.lagSeconds.then(() => (own.at = Date.now()));
      }
      return measured.lagSeconds;
    },
  };
}

/** Returns the WAL position of the primary. */
async function readWritten({ pool }: Database): Promise<string> {
  const { rows } = await pool.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
  return rows[0]?.lsn ?? '0/0';
}

/** `written` null: unknown. A replica that is disconnected has applied all that it received, so only the primary
 *  knows whether that is everything. */
async function readReplayLag({ pool }: Database, written: string | null): Promise<number | null> {
  const { rows } = await pool.query<{ lagSeconds: number | null }>(
    `SELECT CASE
       WHEN NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= $1::pg_lsn THEN 0
       WHEN $1::pg_lsn IS NOT NULL THEN greatest(0, extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()))
     END::float8 AS "lagSeconds"`,
    [written],
  );
  return rows[0]?.lagSeconds ?? null;
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no response within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A replica cancels a read that delays replication (40001). Prisma reports that as P2034. */
function isReplicationConflict(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && (error.code === '40001' || error.code === 'P2034')) || isReplicationConflict(error.cause);
}
