import { connectOnce } from './connect-once.js';

/** What `posthorn doctor` checks about a Postgres. */
export interface DatabaseReport {
  /** Such as `16.4`. */
  version: string;
  /** Such as 16. */
  majorVersion: number;
  /** How far the database's clock is ahead of this machine's, in milliseconds; negative: behind. 0 if it
   *  may be the same, since a request takes time. */
  aheadMs: number;
  maxConnections: number;
  usedConnections: number;
  /** A standby, which cannot be written. */
  isReplica: boolean;
}

const WITHIN_MS = 15_000;

/** Connects once and reads what could prevent Posthorn from working. Throws if the database does not respond. */
export function inspectDatabase(url: string, now: () => number = Date.now): Promise<DatabaseReport> {
  return connectOnce({ url, withinMs: WITHIN_MS }, async (client) => {
    const before = now();
    const { rows } = await client.query<{ nowMs: number }>(
      `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs"`,
    );
    const after = now();
    const { rows: facts } = await client.query<Omit<DatabaseReport, 'aheadMs'>>(
      `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS "majorVersion",
         current_setting('max_connections')::int AS "maxConnections", pg_is_in_recovery() AS "isReplica",
         (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS "usedConnections"`,
    );
    const nowMs = rows[0]?.nowMs ?? after;
    return {
      ...(facts[0] as Omit<DatabaseReport, 'aheadMs'>),
      aheadMs: Math.round(nowMs - Math.min(after, Math.max(before, nowMs))),
    };
  });
}
