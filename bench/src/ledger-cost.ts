import { Redis } from 'ioredis';
import pg from 'pg';

/** What the ledger and the queue did for each delivery. */
export interface LedgerCost {
  /** Entries that were put into B-tree indexes. */
  indexInserts: number;
  /** Bytes of the write-ahead log, without the images of whole pages, whose number depends on checkpoints. */
  walBytes: number;
  transactions: number;
  /** null: the queue is not in Redis. */
  redisCommands: number | null;
}

interface Reading {
  lsn: string;
  transactions: number;
  redisCommands: number | null;
}

/** Reads what Postgres has written from its write-ahead log (extension pg_walinspect), and how many commands Redis has run.
 *  The log's records are its own account of what was done: one for each entry of an index. */
export async function openLedgerCost({ databaseUrl, redisUrl }: { databaseUrl: string; redisUrl: string | null }) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('CREATE EXTENSION IF NOT EXISTS pg_walinspect');
  const redis = redisUrl === null ? null : new Redis(redisUrl);

  async function read(): Promise<Reading> {
    const { rows } = await client.query<{ lsn: string; transactions: string }>(
      `SELECT pg_current_wal_insert_lsn() AS lsn, xact_commit AS transactions FROM pg_stat_database WHERE datname = current_database()`,
    );
    const info = await redis?.info('stats');
    const commands = info === undefined ? null : Number(/total_commands_processed:(\d+)/.exec(info)?.[1]);
    return { lsn: rows[0]?.lsn ?? '', transactions: Number(rows[0]?.transactions), redisCommands: commands };
  }

  return {
    read,
    async since(before: Reading, deliveries: number): Promise<LedgerCost> {
      const after = await read();
      await client.query('SELECT pg_switch_wal()'); // so that all of it can be read
      const { rows } = await client.query<{ inserts: number; bytes: number }>(
        `SELECT coalesce(sum(count) FILTER (WHERE "resource_manager/record_type" ~ '^Btree/(INSERT_LEAF|INSERT_POST|SPLIT_)'), 0)::float8 AS inserts,
           coalesce(sum(record_size), 0)::float8 AS bytes
         FROM pg_get_wal_stats($1, $2, true)`,
        [before.lsn, after.lsn],
      );
      return {
        indexInserts: (rows[0]?.inserts ?? 0) / deliveries,
        walBytes: (rows[0]?.bytes ?? 0) / deliveries,
        transactions: (after.transactions - before.transactions) / deliveries,
        redisCommands:
          after.redisCommands === null ? null : (after.redisCommands - (before.redisCommands ?? 0)) / deliveries,
      };
    },
    async close(): Promise<void> {
      await client.end();
      redis?.disconnect();
    },
  };
}
