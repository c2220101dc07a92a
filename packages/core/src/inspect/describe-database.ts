import { connectOnce } from './connect-once.js';

/** What a support bundle has about a Postgres: names of Posthorn's own tables and indexes, and numbers. No rows, no addresses, no text of
 *  statements. */
export interface DatabaseDescription {
  version: string;
  databaseBytes: number;
  settings: Record<string, string>;
  /** Partitions are counted with their table. Estimates of the planner and of autovacuum. */
  tables: Row[];
  indexes: Row[];
  partitions: Row[];
  /** Connections by application and state. Applications of others are `other`. */
  connections: Row[];
  locks: Row[];
  replicas: Row[];
}

type Row = Record<string, string | number | boolean | null>;

const WITHIN_MS = 30_000;
const SETTINGS = [
  'autovacuum',
  'autovacuum_max_workers',
  'checkpoint_timeout',
  'default_transaction_isolation',
  'effective_cache_size',
  'fsync',
  'full_page_writes',
  'idle_in_transaction_session_timeout',
  'jit',
  'maintenance_work_mem',
  'max_connections',
  'max_wal_size',
  'max_worker_processes',
  'server_encoding',
  'shared_buffers',
  'statement_timeout',
  'synchronous_commit',
  'track_io_timing',
  'wal_level',
  'work_mem',
];

// Tables in the schema of Posthorn's, with their partitions: `of` is the partitioned table.
const TABLES = `
  SELECT c.oid, c.relname AS name, c.reltuples, coalesce(parent.relname, c.relname) AS of, i.inhparent IS NOT NULL AS is_partition,
    pg_get_expr(c.relpartbound, c.oid) AS bound
  FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class parent ON parent.oid = i.inhparent
  WHERE c.relkind IN ('r', 'p') AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('pending_deliveries'))`;

/** Connects once. Throws if the database does not respond or has no schema of Posthorn. */
export function describeDatabase(url: string): Promise<DatabaseDescription> {
  return connectOnce({ url, withinMs: WITHIN_MS }, async (client) => {
    const read = async (sql: string, values: unknown[] = []) => (await client.query<Row>(sql, values)).rows;
    const [about] = await read(
      `SELECT split_part(current_setting('server_version'), ' ', 1) AS version, pg_database_size(current_database())::float8 AS bytes`,
    );
    const settings = await read('SELECT name, current_setting(name) AS value FROM pg_settings WHERE name = ANY ($1)', [
      SETTINGS,
    ]);
    return {
      version: String(about?.['version']),
      databaseBytes: Number(about?.['bytes']),
      settings: Object.fromEntries(settings.map(({ name, value }) => [String(name), String(value)])),
      ...(await readTables(read)),
      ...(await readActivity(read)),
    };
  });
}

type Read = (sql: string, values?: unknown[]) => Promise<Row[]>;

async function readTables(read: Read) {
  return {
    tables: await read(
      `WITH t AS (${TABLES})
       SELECT t.of AS name, count(*) FILTER (WHERE t.is_partition)::int AS partitions,
         sum(pg_table_size(t.oid))::float8 AS "tableBytes", sum(pg_indexes_size(t.oid))::float8 AS "indexBytes",
         sum(s.n_live_tup)::float8 AS "liveRows", sum(s.n_dead_tup)::float8 AS "deadRows",
         max(s.last_autovacuum)::text AS "lastAutovacuum", max(s.last_autoanalyze)::text AS "lastAutoanalyze"
       FROM t LEFT JOIN pg_stat_user_tables s ON s.relid = t.oid GROUP BY 1 ORDER BY 3 DESC`,
    ),
    indexes: await read(
      `WITH t AS (${TABLES})
       SELECT t.name AS "table", c.relname AS name, pg_relation_size(c.oid)::float8 AS bytes, s.idx_scan::float8 AS scans, x.indisvalid AS "isValid"
       FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class c ON c.oid = x.indexrelid
       LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = c.oid WHERE NOT t.is_partition OR NOT x.indisvalid ORDER BY 1, 2`,
    ),
    partitions: await read(
      `WITH t AS (${TABLES}) SELECT of AS "table", name, bound, pg_total_relation_size(oid)::float8 AS bytes, greatest(reltuples, 0)::float8 AS rows
       FROM t WHERE is_partition ORDER BY 1, 2`,
    ),
  };
}

async function readActivity(read: Read) {
  return {
    connections: await read(
      `SELECT CASE WHEN application_name ~ '^posthorn[ a-z]*$' THEN application_name ELSE 'other' END AS application, coalesce(state, 'none') AS state,
         count(*)::int AS count, round(max(extract(epoch FROM now() - xact_start)))::float8 AS "longestTransactionSeconds"
       FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = current_database() GROUP BY 1, 2 ORDER BY 1, 2`,
    ),
    locks: await read(
      `SELECT locktype, mode, count(*)::int AS waiting FROM pg_locks WHERE NOT granted GROUP BY 1, 2 ORDER BY 1, 2`,
    ),
    replicas: await read(
      `SELECT state, sync_state AS "syncState", pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::float8 AS "lagBytes"
       FROM pg_stat_replication WHERE NOT pg_is_in_recovery()`,
    ),
  };
}
