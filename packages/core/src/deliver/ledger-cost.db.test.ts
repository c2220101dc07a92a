import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../ledger.test-support.js';

let ledger: Ledger;
beforeAll(async () => void (ledger = await openLedger()));
afterAll(() => ledger.close());

const DELIVERIES = 100;
/** Deliveries to measure: enough that one page on disk does not change the result. */
const COPIES = 100;
const PAYLOAD = JSON.stringify({ text: 'x'.repeat(1_024) });

it('a delivery that succeeds at once costs 8 B-tree entries, 1.4 KB of WAL and 450 bytes on disk, without its payload', async () => {
  const { pool } = ledger.db;
  const { rows: available } = await pool.query(`SELECT FROM pg_available_extensions WHERE name = 'pg_walinspect'`);
  expect(available).toHaveLength(1);
  await pool.query('CREATE EXTENSION pg_walinspect');
  const accountId = await ledger.account('acme');
  await ledger.activeSubscription(accountId, { url: 'https://hooks.acme.example/webhook' });
  ledger.results[0] = {
    remoteAddress: '203.0.113.7',
    request: { userAgent: 'Posthorn/0.1.0', bodyBytes: 1_060, signatureCount: 1, ownNames: [] },
    responseHeaders: {
      'content-type': 'text/plain',
      date: 'Sat, 28 Nov 2026 23:00:00 GMT',
      connection: 'keep-alive',
      'keep-alive': 'timeout=5',
      'content-length': '2',
    },
    body: Buffer.from('ok'),
  };

  const client = await pool.connect();
  try {
    // Other tests write to the same WAL: it must not be recycled before it is read.
    await client.query(`SELECT pg_create_physical_replication_slot('ledger_cost', true, true)`);
    const from = await readLsn();
    await deliver(accountId);
    const cost = await readCost(from, await readLsn());
    expect(cost.rows).toEqual({ events: 1, pending_deliveries: 1, finished_deliveries: 1, earlier_attempts: 0 });
    expect(cost.entries).toBeLessThanOrEqual(8);
    expect(cost.bytes - PAYLOAD.length).toBeLessThanOrEqual(1_420);
    expect(await readBytesOnDisk()).toBeLessThanOrEqual(450);
  } finally {
    client.release(true); // closing the connection drops the slot
  }

  /** Bytes per finished delivery with its attempt, in the table and its indexes, among many that finish in id order. */
  async function readBytesOnDisk(): Promise<number> {
    const { rows: columns } = await pool.query<{ others: string }>(
      `SELECT string_agg(attname, ', ') AS others FROM pg_attribute
       WHERE attrelid = 'finished_deliveries'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'id'`,
    );
    const others = columns[0]?.others ?? '';
    // One id per millisecond: ids of the same millisecond are in random order, and a fast machine would create many.
    await pool.query(
      `INSERT INTO finished_deliveries (id, ${others})
       SELECT posthorn_delivery_id(posthorn_uuid_at(now() + row_number() OVER () * interval '1 ms')), ${others}
       FROM finished_deliveries CROSS JOIN generate_series(2, ${COPIES})`,
    );
    const { rows } = await pool.query<{ bytes: number }>(
      `SELECT sum(pg_relation_size(relid) + pg_indexes_size(relid))::float8 AS bytes
       FROM pg_partition_tree('finished_deliveries') WHERE isleaf`,
    );
    return (rows[0]?.bytes ?? Infinity) / (DELIVERIES * COPIES);
  }

  async function readLsn(): Promise<string> {
    const { rows } = await pool.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn() AS lsn');
    return rows[0]?.lsn ?? '';
  }

  /** What the statements of each delivery wrote. Not counted are full-page images, vacuum, other databases, and
   *  statistics and locks that a statement writes once for all deliveries. Attempts of deliveries older than 10 s
   *  write one more entry, which depends on the machine and is not counted either. */
  async function readCost(since: string, until: string) {
    await pool.query('SELECT pg_switch_wal()'); // the current file is not readable to its end
    const { rows } = await pool.query<{ name: string; type: string; count: number; bytes: number }>(
      `SELECT pg_filenode_relation(0, node)::regclass::text AS name, type, count(*)::float8 AS count, sum(bytes)::float8 AS bytes
       FROM (
         SELECT resource_manager || '/' || record_type AS type, record_length - fpi_length AS bytes, at[1]::oid AS db, at[2]::oid AS node
         FROM pg_get_wal_records_info($1, $2) CROSS JOIN regexp_match(block_ref, 'rel \\d+/(\\d+)/(\\d+)') AS at
       ) r
       WHERE db = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND type ~ '^(Heap/(INSERT|DELETE|LOCK|UPDATE|HOT_UPDATE)|Btree/(INSERT|SPLIT))'
       GROUP BY 1, 2`,
      [since, until],
    );
    const tables = ['events', 'pending_deliveries', 'finished_deliveries', 'earlier_attempts'];
    const ours = rows.filter(
      ({ name }) => tables.some((table) => name.startsWith(table)) && !name.endsWith('_late_idx'),
    );
    const sum = (wanted: typeof rows, what: 'count' | 'bytes') =>
      wanted.reduce((total, row) => total + row[what], 0) / DELIVERIES;
    const made = (table: string) =>
      sum(
        ours.filter(({ name, type }) => name.startsWith(table) && type.startsWith('Heap/INSERT')),
        'count',
      );
    return {
      rows: Object.fromEntries(tables.map((table) => [table, made(table)])),
      entries: sum(
        ours.filter(({ type }) => /^Btree\/(INSERT_LEAF|INSERT_POST|SPLIT)/.test(type)),
        'count',
      ),
      bytes: sum(ours, 'bytes'),
    };
  }
});

/** Publishes and delivers like processes under load: many deliveries share a statement. */
async function deliver(accountId: string): Promise<void> {
  await Promise.all(Array.from({ length: DELIVERIES }, () => ledger.publish(accountId, { payload: PAYLOAD })));
  const worker = ledger.attempter();
  const { signal } = new AbortController();
  await Promise.all(ledger.jobs.splice(0).map((job) => worker.attempt(job, signal)));
  await worker.drain();
}
