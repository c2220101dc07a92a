import type pg from 'pg';
import type { DeliveryStatus } from '../generated/prisma/client.js';
import type { Tally } from './read-tallies.js';
import { storeTallies } from './replay-accounts.js';

/** Maximum number of rows per statement. */
const READ_AT_ONCE = 50_000;

/** Maximum number of replays per call. */
const TALLIED_AT_ONCE = 100;

/** Counts the deliveries of replays whose tally is due, and completes those whose deliveries are all finished. Returns how many it tallied.
 *  Any number of workers may call it; one tallies a replay. If that worker dies, another one tallies it later. */
export async function tallyReplays(pool: pg.Pool): Promise<number> {
  let tallied = 0;
  for (; tallied < TALLIED_AT_ONCE; tallied += 1) {
    const due = await takeDue(pool);
    if (due === null) break;
    const tallies = await tally(pool, due);
    if (due.isOfMany) await storeTallies(pool, { replayId: due.id, tallies });
    await store(pool, due, sumOf(tallies));
  }
  return tallied;
}

interface Due {
  id: string;
  /** Whether everything was queued before the tally began: only then no more of its deliveries become pending. */
  isQueued: boolean;
  /** Whether an operator started it, so that it has deliveries of many accounts. */
  isOfMany: boolean;
}

// The older a replay is, the less often it is tallied: between 1 second and 10 minutes. Uses replays_unsettled_idx.
const TAKE_DUE = `
UPDATE replays SET tally_at = clock_timestamp() + least(greatest((clock_timestamp() - created_at) / 50, interval '1 second'), interval '10 minutes')
WHERE id = (
  SELECT id FROM replays WHERE settled_at IS NULL AND tally_at <= now() ORDER BY tally_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id, status <> 'running' AS "isQueued", account_id IS NULL AS "isOfMany"`;

async function takeDue(pool: pg.Pool): Promise<Due | null> {
  const { rows } = await pool.query<Due>({ name: 'take-due-tally', text: TAKE_DUE });
  return rows[0] ?? null;
}

/** Returns the tally of each account, or of a replay of one account, under ''. Counts pending ones first. A delivery that finishes meanwhile
 *  counts twice, so no pending delivery is missed. */
async function tally(pool: pg.Pool, { id, isOfMany }: Due): Promise<Map<string, Tally>> {
  const tallies = new Map<string, Tally>();
  for (const table of ['pending_deliveries', 'finished_deliveries'] as const) {
    let after: Position | null = { status: 'pending', id: '00000000-0000-0000-0000-000000000000' };
    while (after !== null) {
      const counted: Counted | null = await countNext(pool, { table, replayId: id, isOfMany, after });
      for (const { accountId, status, count } of counted?.counts ?? []) {
        const sums = tallies.get(accountId) ?? { delivered: 0, failed: 0, pending: 0 };
        sums[WORD[status]] += count;
        tallies.set(accountId, sums);
      }
      after = counted;
    }
  }
  return tallies;
}

const sumOf = (tallies: Map<string, Tally>): Tally => {
  const sum = { delivered: 0, failed: 0, pending: 0 };
  for (const one of tallies.values()) {
    sum.delivered += one.delivered;
    sum.failed += one.failed;
    sum.pending += one.pending;
  }
  return sum;
};

const WORD: Record<DeliveryStatus, keyof Tally> = {
  pending: 'pending',
  held: 'pending',
  succeeded: 'delivered',
  failed: 'failed',
  canceled: 'failed',
};

/** The last row that was counted. */
interface Position {
  status: DeliveryStatus;
  id: string;
}

interface Counted extends Position {
  counts: { accountId: string; status: DeliveryStatus; count: number }[];
}

interface Next {
  table: 'pending_deliveries' | 'finished_deliveries';
  replayId: string;
  isOfMany: boolean;
  after: Position;
}

async function countNext(pool: pg.Pool, { table, replayId, isOfMany, after }: Next): Promise<Counted | null> {
  // Without the account, Postgres needs only the index.
  const account = isOfMany ? 'account_id' : `''::text`;
  const { rows } = await pool.query<Counted>({
    name: `tally-${table}-${isOfMany ? 'of-accounts' : 'of-one'}`,
    // Uses the table's index by replay.
    text: `
      WITH next AS MATERIALIZED (
        SELECT status, id, ${account} AS account_id FROM ${table} d
        WHERE replay_id = $1 AND (d.replay_id, d.status, d.id) > ($1::uuid, $2::delivery_status, $3::uuid)
        ORDER BY d.replay_id, d.status, d.id LIMIT ${READ_AT_ONCE}
      )
      SELECT last.status, last.id, (
        SELECT json_agg(json_build_object('accountId', account_id, 'status', status, 'count', n))
        FROM (SELECT account_id, status, count(*) AS n FROM next GROUP BY account_id, status) c
      ) AS counts
      FROM (SELECT status, id FROM next ORDER BY status DESC, id DESC LIMIT 1) last`,
    values: [replayId, after.status, after.id],
  });
  return rows[0] ?? null;
}

// A replay has settled when everything is queued and nothing is pending.
const STORE = `
UPDATE replays SET delivered = $2, failed = $3, pending = $4,
  status = CASE WHEN $5 AND $4 = 0 AND status = 'delivering' THEN 'completed' ELSE status END,
  ended_at = CASE WHEN $5 AND $4 = 0 THEN coalesce(ended_at, now()) ELSE ended_at END,
  settled_at = CASE WHEN $5 AND $4 = 0 THEN now() END
WHERE id = $1 AND settled_at IS NULL`;

async function store(pool: pg.Pool, { id, isQueued }: Due, { delivered, failed, pending }: Tally): Promise<void> {
  await pool.query({ name: 'store-tally', text: STORE, values: [id, delivered, failed, pending, isQueued] });
}
